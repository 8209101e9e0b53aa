import { assertEquals } from "@std/assert";
import { hintsOf, type HookCall, hookSchema } from "../../src/medusa/hook.ts";

const cases: [HookCall, ReturnType<typeof hintsOf>][] = [
  [{ event: "product.updated", id: "prod_1", product_ids: ["prod_1"] }, { changed: ["prod_1"], order: null }],
  [{ event: "product-variant.deleted", id: "variant_1" }, { changed: "everything", order: null }],
  [{ event: "inventory-level.updated", id: "ilev_1", product_ids: [] }, { changed: [], order: null }],
  [
    {
      event: "reservation-item.created",
      id: "resitem_1",
      product_ids: ["prod_1", "prod_2"],
      order_id: "order_1",
    },
    { changed: ["prod_1", "prod_2"], order: "order_1" },
  ],
  [
    { event: "order.placed", id: "order_1", order_id: "order_1", product_ids: ["prod_1"] },
    { changed: ["prod_1"], order: "order_1" },
  ],
  [{ event: "order.canceled", id: "order_1", order_id: "order_1" }, { changed: [], order: "order_1" }],
  [{ event: "shipment.created", id: "ful_1", order_id: "order_1" }, { changed: [], order: "order_1" }],
  [{ event: "payment.refunded", id: "pay_1" }, { changed: [], order: null }],
  [{ event: "shipping-option.updated", id: "so_1", product_ids: [] }, { changed: "everything", order: null }],
  [{ event: "region.created", id: "reg_1" }, { changed: "everything", order: null }],
  [{ event: "tax-rate.updated", id: "txr_1" }, { changed: "everything", order: null }],
  [{ event: "price.updated", id: "price_1", product_ids: ["prod_1"] }, { changed: ["prod_1"], order: null }],
  [{ event: "price-list.deleted", id: "plist_1" }, { changed: "everything", order: null }],
  [{ event: "sales-channel.attached", id: "prodsc_1" }, { changed: "everything", order: null }],
  [{ event: "customer.created", id: "cus_1" }, null],
  [{ event: "products.updated", id: "prod_1" }, null],
  [{ event: "constructor.name", id: "x" }, null],
];

for (const [call, hints] of cases) {
  Deno.test(`what ${JSON.stringify(call)} hints at`, () => {
    assertEquals(hookSchema.parse(call), call);
    assertEquals(hintsOf(call), hints);
  });
}

Deno.test("a call holds ids and nothing else", () => {
  const good = { event: "product.updated", id: "prod_1", product_ids: ["prod_1"], order_id: "order_1" };
  const bad: unknown[] = [
    null,
    "product.updated",
    [],
    {},
    { event: "product.updated" },
    { ...good, event: "product" },
    { ...good, event: "product.updated\n" },
    { ...good, id: "" },
    { ...good, id: 1 },
    { ...good, id: "a/../b" },
    { ...good, order_id: null },
    { ...good, product_ids: "prod_1" },
    { ...good, product_ids: Array.from({ length: 501 }, (_, n) => `prod_${n}`) },
    { ...good, price: 1 },
  ];
  for (const call of bad) assertEquals(hookSchema.safeParse(call).success, false, JSON.stringify(call));
  assertEquals(hookSchema.safeParse(good).success, true);
});
