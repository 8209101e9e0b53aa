import { assert, assertEquals } from "@std/assert";
import { deleteProduct } from "../../src/catalog/products.ts";
import { resend } from "../../src/orders/resend.ts";
import { requestIn, toldIn } from "../support/customer.ts";
import type { MerchantSigner } from "../../src/nostr/signer.ts";
import { signerThatFails } from "../support/failing_signer.ts";
import { recordingLog } from "../support/log.ts";
import { Shop } from "../support/shop.ts";

const SECRET = "https://books.example/relays.pdf?key=5ecre7";
const book = { items: [{ product_id: "book", quantity: 1 }], address: null };

async function bookShop(more: Record<string, unknown> = {}, options = {}): Promise<Shop> {
  const shop = await Shop.open(options);
  await shop.shelf.product({
    id: "book",
    name: "Book",
    quantity: null,
    digital: true,
    digital_content: SECRET,
    ...more,
  });
  return shop;
}

Deno.test("a digital good is sent by its payment, after the receipt, and the order is complete", async () => {
  await using shop = await bookShop();
  const alice = shop.customer();
  const request = requestIn(await alice.orders(book));
  assertEquals(request.message, "1 × Book: 100 sat in all.");
  const answers = await alice.pays(request);
  assertEquals(toldIn(answers), [
    "completed, paid: Payment received: 100 sat. Thank you!",
    `completed, paid: ${SECRET}`,
  ]);
  assert(answers[0]!.created_at < answers[1]!.created_at);
  assertEquals((await shop.order()).fulfilment, "delivered");
});

Deno.test("what was bought stands in the customer's message alone: not in jobs, timeline, orders or logs", async () => {
  const { log, lines } = recordingLog();
  let down = false;
  await using shop = await bookShop({}, {
    log,
    signer: (own: MerchantSigner) => signerThatFails(own, () => down),
  });
  const alice = shop.customer();
  const request = requestIn(await alice.orders(book));
  down = true;
  assertEquals(await alice.pays(request), []);
  for (const table of ["jobs", "order_timeline", "orders", "order_items"] as const) {
    const rows = await shop.database.kysely.selectFrom(table).selectAll().execute();
    assert(rows.length > 0 && !JSON.stringify(rows).includes("5ecre7"), table);
  }
  assert(lines.length > 0 && !JSON.stringify(lines).includes("5ecre7"));
  down = false;
  await shop.pass(20_000);
  assertEquals((await alice.hears())[1]!.message, SECRET);
});

Deno.test("delivered once, however often the job runs", async () => {
  await using shop = await bookShop();
  const alice = shop.customer();
  await alice.pays(requestIn(await alice.orders(book)));
  const { id } = await shop.order();
  const { seq } = await shop.database.kysely.selectFrom("order_timeline").select("seq").where(
    "order_id",
    "=",
    id,
  )
    .orderBy("seq", "desc").limit(1).executeTakeFirstOrThrow();
  await alice.hears();
  await shop.database.transaction((tx) =>
    tx.insertInto("jobs").values({
      kind: "reply.send",
      key: `${id}:${seq}`,
      payload: JSON.stringify({ order_id: id, seq, replies: [{ reply: "paid" }, { reply: "digital" }] }),
      state: "ready",
      run_at: 0,
      attempts: 0,
      max_attempts: 3,
      created_at: 0,
    }).execute()
  );
  await shop.settle();
  assertEquals(await alice.hears(), []);
  const sent = await shop.database.kysely.selectFrom("messages").select("seq").where("type", "=", "digital")
    .execute();
  assertEquals(sent.length, 1);
});

Deno.test("a product that is deleted or changed after the order is delivered all the same", async () => {
  await using shop = await bookShop();
  const alice = shop.customer();
  const request = requestIn(await alice.orders(book));
  await shop.database.transaction(async (tx) => {
    await deleteProduct(tx, { merchant: shop.merchant, id: "book", now: shop.clock.now() });
    await tx.updateTable("products").set({ digital: 0 }).where("id", "=", "book").execute();
  });
  assertEquals((await alice.pays(request))[1]!.message, SECRET);
});

Deno.test("the digital part of a mixed order is sent at once, the rest is shipped later", async () => {
  await using shop = await bookShop();
  const alice = shop.customer();
  const items = [{ product_id: "book", quantity: 1 }, { product_id: "cup", quantity: 1 }];
  const told = toldIn(await alice.pays(requestIn(await alice.orders({ items }))));
  assertEquals(told, [
    "processing, paid: Payment received: 200 sat. Thank you!",
    `processing, paid: ${SECRET}`,
  ]);
  await shop.happens(await shop.order(), { type: "delivered" });
  assertEquals(toldIn(await alice.hears()), ["completed, paid, shipped: Your order is complete."]);
});

Deno.test("a digital good without content is left to the merchant", async () => {
  await using shop = await bookShop({ digital_content: null });
  const alice = shop.customer();
  assertEquals(toldIn(await alice.pays(requestIn(await alice.orders(book)))), [
    "processing, paid: Payment received: 100 sat. Thank you!",
  ]);
  assertEquals((await shop.order()).fulfilment, "unfulfilled");
});

Deno.test("long content comes in several messages, in order, and resend brings it again", async () => {
  const content = Array.from({ length: 200 }, (_, i) => `${i}: ${"license ".repeat(11)}`).join("\n");
  await using shop = await bookShop({ digital_content: content });
  for (const envelope of ["nip04", "nip17"] as const) {
    const alice = shop.customer(envelope, envelope);
    const [, ...parts] = await alice.pays(requestIn(await alice.orders({ ...book, id: envelope })));
    assert(parts.length > 1);
    assertEquals(parts.map((part) => part.message).join("\n"), content);
    const { id } = await shop.order(envelope);
    await shop.database.transaction((tx) => resend(tx, id, shop.clock.now()));
    await shop.settle();
    const [state, ...again] = await alice.hears();
    assertEquals(toldIn([state!]), ["completed, paid: This order is complete."]);
    assertEquals(again.map((part) => part.message).join("\n"), content);
  }
});
