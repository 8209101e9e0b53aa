import { assert, assertEquals, assertRejects } from "@std/assert";
import { MedusaRefusal } from "./medusa_api.ts";
import { type MedusaServer, startMedusa, withoutMedusa } from "./medusa_server.ts";

/*
 * That the real Medusa of the tests is one, and the tests' shop is in it. `deno run -A tests/real/medusa/get_medusa.ts` gets it.
 */
const ignore = withoutMedusa("tests/real/medusa/medusa_test.ts");

interface Order {
  id: string;
  status: string;
  payment_status: string;
  total: number;
}

let medusa: MedusaServer;

Deno.test.beforeAll(async () => {
  if (!ignore) medusa = await startMedusa({ processes: 2, env: { MEDUSA_LOCKING: "postgres" } });
});

Deno.test.afterAll(async () => {
  await medusa?.[Symbol.asyncDispose]();
});

test("an order from outside holds the stock, and is paid", async () => {
  const order = await placeOrder("MUG", 2);
  assertEquals(await stock("MUG"), { stocked: 10, reserved: 2 });
  // (2 × 10 + 4.20) with 19 %.
  assertEquals(order.total, 28.798);
  const { payment_collection } = await medusa.call<{ payment_collection: { id: string } }>(
    "POST",
    "/admin/payment-collections",
    { order_id: order.id, amount: order.total },
  );
  const paid = `/admin/payment-collections/${payment_collection.id}/mark-as-paid`;
  await medusa.call("POST", paid, { order_id: order.id });
  assertEquals((await read(order.id)).payment_status, "captured");
});

test("a storefront sees prices by the country's taxes, and nothing that isn't for it", async () => {
  const prices = async (region: string, country: string) => {
    const fields = "handle,variants.calculated_price";
    const { products } = await medusa.store<{
      products: {
        handle: string;
        variants: { calculated_price: { calculated_amount_with_tax: number } | null }[];
      }[];
    }>("GET", `/store/products?region_id=${region}&country_code=${country}&limit=100&fields=${fields}`);
    return Object.fromEntries(
      products.map(({ handle, variants }) => {
        const amounts = variants.flatMap((one) => one.calculated_price?.calculated_amount_with_tax ?? []);
        // Medusa promises no order of a product's variants.
        return [handle, amounts.length > 0 ? Math.min(...amounts) : undefined];
      }),
    );
  };
  const { central, west, usa } = medusa.shop.regions;
  const all = await prices(central, "de");
  assertEquals(all, {
    mug: 11.9,
    shirt: 12.495,
    ebook: 9.52,
    poster: 5.95,
    dollars: undefined,
    unstocked: 3.57,
    lamp: 35.7,
    sale: 17.85,
  });
  assertEquals((await prices(central, "at")).mug, 12);
  assertEquals((await prices(west, "nl")).mug, 15);
  assertEquals((await prices(usa, "us")).mug, 12);
});

test("processes that share a lock sell what there is, once", async () => {
  const orders = Array.from({ length: 6 }, (_, n) => placeOrder("SALE", 1, medusa.apis[n % 2]));
  const placed = (await Promise.allSettled(orders)).filter(({ status }) => status === "fulfilled");
  assertEquals(placed.length, 4);
  assertEquals(await stock("SALE"), { stocked: 4, reserved: 4 });
});

test("what it refuses says why", async () => {
  const refusal: unknown = await assertRejects(() => placeOrder("SALE", 5));
  assert(refusal instanceof MedusaRefusal);
  assertEquals([refusal.status, refusal.type], [400, "not_allowed"]);
});

// It ends and starts what the other tests have, too.
test("what it knows outlives its processes", async () => {
  const order = await placeOrder("SHIRT-S-BLACK", 1);
  await medusa.kill();
  await assertRejects(() => read(order.id), TypeError);
  await medusa.start();
  assertEquals((await read(order.id)).status, "pending");
  await medusa.restart();
  assertEquals(await stock("SHIRT-S-BLACK"), { stocked: 5, reserved: 1 });
}, { sanitizeOps: false, sanitizeResources: false });

/** To Germany, by the standard shipping. */
async function placeOrder(sku: string, quantity: number, api = medusa.apis[0]!): Promise<Order> {
  const { shop } = medusa;
  const { draft_order } = await api.call<{ draft_order: Order }>("POST", "/admin/draft-orders", {
    region_id: shop.regions.central,
    sales_channel_id: shop.channel,
    email: `${crypto.randomUUID()}@ncc.invalid`,
    no_notification_order: true,
    shipping_address: {
      first_name: "Ada",
      last_name: "L",
      address_1: "Hof 2",
      city: "Berlin",
      country_code: "de",
    },
    items: [{ variant_id: shop.variants[sku], quantity }],
    shipping_methods: [{ name: "Standard", shipping_option_id: shop.shippingOptions.standard, amount: 4.2 }],
  });
  const path = `/admin/draft-orders/${draft_order.id}/convert-to-order`;
  return (await api.call<{ order: Order }>("POST", path, {})).order;
}

async function read(id: string): Promise<Order> {
  return (await medusa.call<{ order: Order }>("GET", `/admin/orders/${id}`)).order;
}

async function stock(sku: string): Promise<{ stocked: number; reserved: number }> {
  const { inventory_levels } = await medusa.call<
    { inventory_levels: { stocked_quantity: number; reserved_quantity: number }[] }
  >("GET", `/admin/inventory-items/${medusa.shop.inventoryItems[sku]}/location-levels`);
  const [level] = inventory_levels;
  return { stocked: level!.stocked_quantity, reserved: level!.reserved_quantity };
}

function test(name: string, fn: () => Promise<void>, o: Partial<Deno.TestDefinition> = {}): void {
  Deno.test(`Medusa: ${name}`, { ...o, ignore }, fn);
}
