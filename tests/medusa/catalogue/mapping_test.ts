import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { productInput } from "../../../src/catalog/product_input.ts";
import {
  mapProduct,
  NO_PRICE,
  NO_STOCK_LEVEL,
  type PriceOf,
  type Wanted,
} from "../../../src/medusa/catalogue/mapping.ts";
import { inputOf, theirsOf } from "../../../src/medusa/catalogue/listing.ts";
import { aProduct, aVariant } from "./samples.ts";

const context = {
  stallId: "sc_1-eur",
  zones: [{ id: "so_1-de", group: "de" }, { id: "so_2", group: "de" }, { id: "so_1-fr", group: "fr" }],
};
const prices: PriceOf = (_, group) => ({ de: "11.9", fr: "12", us: "10" })[group] ?? null;

function only(wanted: Wanted[]): Wanted {
  assertEquals(wanted.length, 1);
  return wanted[0]!;
}

Deno.test("a product of one variant is a simple one under the variant's id", () => {
  const product = aProduct({
    thumbnail: "https://example.com/front.png",
    images: [
      { url: "https://example.com/back.png", rank: 1 },
      { url: "https://example.com/front.png", rank: 0 },
      { url: "/static/lost.png", rank: 2 },
    ],
    tags: [{ value: "clay" }],
    categories: [{ name: "Cups" }, { name: "clay" }, { name: "Hidden", is_internal: true }, {
      name: "Old",
      is_active: false,
    }],
  });
  assertEquals(only(mapProduct(product, prices, context)), {
    id: "variant_1",
    medusaProduct: "prod_1",
    medusaVariant: "variant_1",
    title: "Cup",
    input: {
      id: "variant_1",
      stall_id: "sc_1-eur",
      type: "simple",
      parent_id: null,
      name: "Cup",
      description: "of clay",
      images: ["https://example.com/front.png", "https://example.com/back.png"],
      categories: ["clay", "Cups"],
      price: "11.9",
      // Where it is taxed otherwise, the difference is the zone's.
      shipping: [{ id: "so_1-fr", cost: "0.1" }],
      specs: [],
    },
    trouble: null,
    available: 5,
  });
});

Deno.test("a product of several variants is a variable one before its variations", () => {
  const option = (size: string) => [{ value: size, option_id: "opt_size" }];
  const product = aProduct({
    options: [{ id: "opt_size", title: "Size" }],
    variants: [
      aVariant("variant_s", { title: "S", options: option("S"), allow_backorder: true }),
      aVariant("variant_m", { title: "M", options: option("M"), inventory_quantity: 0 }),
    ],
  });
  const cheaper: PriceOf = (variant) => variant === "variant_s" ? "9" : "10";
  const [parent, small, medium, ...rest] = mapProduct(product, cheaper, context);
  assertEquals(rest, []);
  assertEquals([parent!.id, parent!.medusaVariant, parent!.input!.type, parent!.input!.price], [
    "prod_1",
    null,
    "variable",
    "9",
  ]);
  assertEquals(
    [small!.id, small!.input!.name, small!.input!.type, small!.input!.parent_id, small!.available],
    [
      "variant_s",
      "Cup – S",
      "variation",
      "prod_1",
      null,
    ],
  );
  assertEquals([medium!.input!.specs, medium!.available], [[["Size", "M"]], 0]);
});

Deno.test("in whatever order Medusa lists what has none, the product is the same", () => {
  const lists = {
    images: [{ url: "https://example.com/b.png" }, { url: "https://example.com/a.png" }],
    tags: [{ value: "clay" }, { value: "blue" }],
    categories: [{ name: "Pots" }, { name: "Cups" }],
    options: [{ id: "opt_1", title: "Size" }, { id: "opt_2", title: "Color" }],
    variants: [aVariant("variant_1", {
      options: [{ value: "S", option_id: "opt_1" }, { value: "Blue", option_id: "opt_2" }],
    })],
  };
  const turned = {
    ...Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.toReversed()])),
    variants: lists.variants.map((one) => ({ ...one, options: one.options!.toReversed() })),
  };
  const one = only(mapProduct(aProduct(lists), prices, context));
  assertEquals(one.input!.specs, [["Color", "Blue"], ["Size", "S"]]);
  assertEquals(only(mapProduct(aProduct(turned), prices, context)), one);
});

Deno.test("what can't be sold says why", () => {
  const none: PriceOf = () => null;
  const table: [Parameters<typeof aProduct>[0], PriceOf, id: string, trouble: string][] = [
    [{ variants: [] }, prices, "prod_1", "it has no variants"],
    [{ is_giftcard: true }, prices, "prod_1", "it is a gift card"],
    [{}, none, "variant_1", NO_PRICE],
    [{}, (_, group) => group === "de" ? "1" : null, "variant_1", NO_PRICE],
    [
      { variants: [aVariant("variant_1", { inventory_quantity: null })] },
      prices,
      "variant_1",
      NO_STOCK_LEVEL,
    ],
    [
      { variants: [aVariant("v".repeat(129))] },
      prices,
      "v".repeat(129),
      "its id Too big: expected string to have <=128 characters",
    ],
  ];
  for (const [change, priceOf, id, trouble] of table) {
    const wanted = only(mapProduct(aProduct(change), priceOf, context));
    assertEquals([wanted.id, wanted.input, wanted.trouble], [id, null, trouble]);
  }
});

Deno.test("a variant that can't be sold leaves its family, and the family goes with the last one", () => {
  const product = aProduct({ variants: [aVariant("variant_1"), aVariant("variant_2")] });
  const first: PriceOf = (variant) => variant === "variant_1" ? "5" : null;
  assertEquals(mapProduct(product, first, context).map(({ id, trouble }) => [id, trouble]), [
    ["prod_1", null],
    ["variant_1", null],
    ["variant_2", NO_PRICE],
  ]);
  const troubles = mapProduct(product, () => null, context).map(({ trouble }) => trouble);
  assertEquals(troubles, [`none of its variants can be sold: ${NO_PRICE}`, NO_PRICE, NO_PRICE]);
});

Deno.test("nothing is counted where Medusa counts nothing, and what is owed isn't there", () => {
  const table: [Parameters<typeof aVariant>[1], number | null][] = [
    [{ manage_inventory: false, inventory_quantity: null }, null],
    [{ allow_backorder: true, inventory_quantity: -3 }, null],
    [{ inventory_quantity: -3 }, 0],
    [{ inventory_quantity: 2.5 }, 2],
  ];
  for (const [change, available] of table) {
    assertEquals(
      only(mapProduct(aProduct({ variants: [aVariant("variant_1", change)] }), prices, context)).available,
      available,
    );
  }
});

Deno.test("whatever Medusa's texts are, the catalogue takes the product", () => {
  const text = fc.string({
    unit: fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code)),
    maxLength: 300,
  });
  const product = fc.record({
    title: text,
    description: fc.oneof(text, fc.constant("x".repeat(20_000))),
    images: fc.array(fc.record({ url: fc.oneof(text, fc.webUrl()) }), { maxLength: 30 }),
    tags: fc.array(fc.record({ value: text }), { maxLength: 40 }),
    options: fc.array(text).map((titles) => titles.map((title, i) => ({ id: `opt_${i}`, title }))),
    variants: fc.array(
      fc.record({
        title: text,
        options: fc.array(fc.record({ value: text, option_id: fc.constantFrom("opt_0", "opt_1", "opt_2") })),
      }),
      { minLength: 1, maxLength: 3 },
    ).map((all) => all.map((one, i) => aVariant(`variant_${i}`, one))),
  });
  fc.assert(fc.property(product, (change) => {
    for (const wanted of mapProduct(aProduct(change), prices, context)) {
      assertEquals(wanted.trouble, null);
      const read = productInput.safeParse(inputOf(wanted.input!, theirsOf(wanted.input!)));
      assert(read.success, JSON.stringify(read.error?.issues));
    }
  }));
});
