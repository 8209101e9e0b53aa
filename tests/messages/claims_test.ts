import { assert, assertEquals } from "@std/assert";
import { requestIn } from "../support/customer.ts";
import { Shop } from "../support/shop.ts";
import v2t from "../vectors/v2t_text_twins.json" with { type: "json" };

const [twin, claim] = v2t.messages.map((message) => message.content) as [string, string];
const ORDER = { id: "mq4t8z1k-c7d9e2" };

async function attached(shop: Shop): Promise<(string | null)[]> {
  const rows = await shop.database.kysely.selectFrom("messages").select("order_id").where(
    "type",
    "=",
    "claim",
  )
    .orderBy("seq").execute();
  return rows.map((row) => row.order_id);
}

Deno.test("texts that go with an order are put with it, never answered, and pay for nothing", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const request = requestIn(await alice.orders(ORDER));
  assertEquals(await alice.says(twin), []);
  assertEquals(await alice.says(claim), []);
  const order = await shop.order();
  assertEquals([order.payment, order.received_msat], ["awaiting", 0]);
  assertEquals(await attached(shop), [order.id, order.id]);
  assert(
    (await shop.timeline(order)).at(-1)!.startsWith("The customer says that it is paid. Only the wallet"),
  );
  assertEquals((await alice.pays(request)).length, 1);
});

Deno.test("a text that came before its order is put with it when the order comes", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  assertEquals(await alice.says(twin), []);
  assertEquals(await attached(shop), [null]);
  requestIn(await alice.orders({ id: "another" }));
  assertEquals(await attached(shop), [null]);
  requestIn(await alice.orders(ORDER));
  assertEquals(await attached(shop), [(await shop.order(ORDER.id)).id]);
});

Deno.test("a text about another customer's order is put with nothing", async () => {
  await using shop = await Shop.open();
  requestIn(await shop.customer("alice").orders(ORDER));
  assertEquals(await shop.customer("mallory").says(claim), []);
  assertEquals(await attached(shop), [null]);
  assertEquals((await shop.timeline(await shop.order())).length, 4);
});
