import { assert, assertEquals } from "@std/assert";
import { naddrEncode } from "nostr-tools/nip19";
import { orderJson, refusalIn, requestIn } from "../../support/customer.ts";
import { recordingLog } from "../../support/log.ts";
import { Shop } from "../../support/shop.ts";

const item = (product_id: unknown, quantity: unknown = 1) => ({ product_id, quantity });

/** What one message about an order with this id is answered with: the sats to pay, or the reason why not. */
async function told(shop: Shop, content: unknown): Promise<number | string> {
  const answers = await shop.customer(crypto.randomUUID().slice(0, 30)).says(content);
  const [answer] = answers;
  assertEquals(answers.length, 1, JSON.stringify(content));
  assertEquals(answer!.type, 1);
  return answer!.payment_options![0]?.amount_sats ?? answer!.message!;
}

Deno.test("#7 type as a number, a text, 0.0 or missing is an order; 1 and 2 of a customer are nothing", async () => {
  await using shop = await Shop.open({ terms: { maxOpenOrders: 10 } });
  await shop.shelf.product({ id: "sand", name: "Sand", quantity: null });
  const order = (type: unknown) => ({ ...orderJson({ items: [{ product_id: "sand", quantity: 1 }] }), type });
  for (const type of [0, "0", "0.0", null, ""]) assertEquals(await told(shop, order(type)), 100);
  assertEquals(await told(shop, JSON.stringify(order(0)).replace('"type":0', '"type":0.0')), 100);
  for (const type of [1, 2, "1", "2"]) {
    assertEquals(await shop.customer().says({ ...order(type), paid: true, payment_options: [] }), []);
  }
});

Deno.test("#8 fences, marks, text before it, double encoding, HTML's quotes: read once, answered in pure JSON", async () => {
  await using shop = await Shop.open();
  await shop.shelf.product({ id: "sand", name: "Sand", quantity: null });
  const text = JSON.stringify(orderJson({ items: [{ product_id: "sand", quantity: 1 }] }));
  for (
    const content of [
      "```json\n" + text + "\n```",
      `\uFEFF${text}`,
      `My order: ${text}`,
      JSON.stringify(text),
      text.replaceAll('"', "&quot;"),
    ]
  ) assertEquals(await told(shop, content), 100);
});

Deno.test("#9 ids in camel case, coordinates and naddrs are read; another merchant's is refused by its line", async () => {
  await using shop = await Shop.open();
  await shop.shelf.product({ id: "sand", name: "Sand", quantity: null });
  const { merchant } = shop;
  const stranger = "cd".repeat(32);
  const naddr = (pubkey: string) => naddrEncode({ kind: 30018, pubkey, identifier: "sand" });
  const order = (items: unknown[]) => ({ ...orderJson(), items });
  for (const id of [`30018:${merchant}:sand`, `30402:${merchant}:sand`, naddr(merchant)]) {
    assertEquals(await told(shop, order([item(id)])), 100);
  }
  assertEquals(await told(shop, order([{ productId: "sand", quantity: 1 }])), 100);
  for (const id of [`30018:${stranger}:sand`, naddr(stranger)]) {
    assert(
      /^Line 2: .* is another merchant's product\.$/.test(
        `${await told(shop, order([item("sand"), item(id)]))}`,
      ),
    );
  }
  assertEquals(await told(shop, order([item("Sand")])), "We have no product Sand.");
});

Deno.test("#10 quantities: whole numbers and their text; everything else is refused and never invoiced", async () => {
  await using shop = await Shop.open();
  await shop.shelf.product({ id: "sand", name: "Sand", quantity: null });
  assertEquals(await told(shop, { ...orderJson(), items: [item("sand", "2")] }), 200);
  for (const quantity of [0, -1, 1.5, "2e3", 1e21, null, undefined, "NaN", 10_001, true, [1]]) {
    const reason = await told(shop, { ...orderJson(), items: [{ ...item("sand"), quantity }] });
    assertEquals(reason, "Line 1: the quantity of sand must be a whole number from 1 to 10000.");
  }
  assertEquals((await shop.wallet.invoices()).length, 1);
});

Deno.test("#11 lines of one product are one line, before the stock is looked at", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const items = [{ product_id: "cup", quantity: 3 }, {
    product_id: `30018:${shop.merchant}:cup`,
    quantity: 3,
  }];
  assertEquals(refusalIn(await alice.orders({ id: "6", items })), 'Only 5 of "Cup" left.');
  items[0]!.quantity = 2;
  assertEquals(requestIn(await alice.orders({ id: "5", items })).payment_options![0]!.amount_sats, 500);
  assertEquals(await shop.stock(), { onHand: 5, held: 5 });
});

Deno.test("#12 nothing, too much, unknown things and several stalls: one refusal that names them", async () => {
  await using shop = await Shop.open();
  await shop.shelf.stall({ id: "book", name: "Books", currency: "EUR" });
  await shop.shelf.product({ id: "atlas", stall_id: "book", name: "Atlas", price: 5, currency: "EUR" });
  const order = (items: unknown, more = {}) => ({ ...orderJson(), items, ...more });
  assertEquals(await told(shop, order([])), "The order has no items.");
  assertEquals(
    await told(shop, order(Array.from({ length: 101 }, () => item("cup")))),
    "The order has more than 100 lines.",
  );
  assertEquals(
    await told(shop, order([item("moon"), item("cup"), item("mars")])),
    "We have no product mars, moon.",
  );
  assertEquals(
    await told(shop, order([item("cup"), item("atlas")])),
    "Please order from one stall at a time: atlas (stall book), cup (stall tea).",
  );
  const refused = await shop.customer("eve").says(order([item("cup")], { stall_id: "book" }));
  assertEquals(refused[0]!.message, '"Cup" (cup) can\'t be ordered from the stall book.');
});

Deno.test("#12 several stalls have no zone in common: a zone's id is one stall's own", async () => {
  await using shop = await Shop.open();
  const shipping = [{ id: "eu", name: "Europe", cost: 7, regions: [] }];
  await shop.shelf.stall({ id: "pots", shipping });
  assertEquals((await shop.shelf.createStall({ id: "pans", shipping })).ok, false);
});

Deno.test("#13 the zone: the only one goes without saying, otherwise the names are listed", async () => {
  await using shop = await Shop.open();
  await shop.shelf.stall({
    id: "pots",
    name: "Pots",
    shipping: [{ id: "eu", name: "Europe", cost: 7, regions: [] }, {
      id: "us",
      name: "America",
      cost: 9,
      regions: [],
    }],
  });
  await shop.shelf.product({ id: "pot", stall_id: "pots", name: "Pot", quantity: null });
  await shop.shelf.product({ id: "plan", stall_id: "pots", name: "Plan", quantity: null, digital: true });
  const order = (shipping_id: unknown, product = "pot") => ({
    ...orderJson(),
    items: [item(product)],
    shipping_id,
  });
  const choice = 'We ship to: "Europe" (eu), "America" (us).';
  assertEquals(await told(shop, order("eu")), 107);
  assertEquals(await told(shop, { ...order(undefined), shippingId: "us" }), 109);
  assertEquals(await told(shop, order(`30406:${"0".repeat(64)}:us`)), 109);
  for (const none of [null, undefined, ""]) {
    assertEquals(await told(shop, order(none)), `Please choose where it goes. ${choice}`);
  }
  assertEquals(await told(shop, order("mars")), `We don't know the shipping zone mars. ${choice}`);
  assertEquals(await told(shop, order(null, "plan")), 100);
  assertEquals(await told(shop, { ...orderJson(), items: [item("cup")] }), 100);
});

Deno.test("#14 goods without an address: invoiced, and the customer is asked; what they answer is for people", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const request = requestIn(await alice.orders({ address: null }));
  assert(
    request.message!.endsWith("Please tell us where to send it: answer this message with your address."),
  );
  assertEquals(await alice.says("1 Example Street, Leeds"), []);
  // Sent as a change of the order it is in the order.
  requestIn(await alice.orders({ address: "1 Example Street, Leeds" }));
  assertEquals((await shop.order()).address, "1 Example Street, Leeds");
});

Deno.test("#15 contact.nostr is for people: who signed is the customer, and nobody else hears", async () => {
  await using shop = await Shop.open({ relays: ["wss://ours.example"] });
  const alice = shop.customer();
  const mallory = shop.customer("mallory");
  for (const [i, nostr] of [null, mallory.pubkey, "npub1xyz", 5].entries()) {
    const request = requestIn(await alice.orders({ id: `${i}`, contact: { nostr } }));
    if (i < 3) await alice.pays(request);
  }
  await shop.pass(1_000);
  assertEquals(await mallory.hears(), []);
  const messages = shop.published.filter(([, event]) => event.kind === 4);
  assertEquals(
    new Set(messages.flatMap(([, event]) => event.tags.map((tag) => tag[1]))),
    new Set([alice.pubkey]),
  );
});

Deno.test("#16 hostile text: bounded, cleaned, never in a log, and the order in it is answered", async () => {
  const { log, lines } = recordingLog();
  await using shop = await Shop.open({ log });
  const alice = shop.customer();
  const evil = '\u001b[31mred\u202Ereversed\u0000\u0007<script>alert(1)</script> lightning:lnbc1 "};--';
  const json = JSON.stringify(
    orderJson({ message: evil, name: evil, address: evil, contact: { note: evil } }),
  );
  requestIn(
    await alice.says(
      json.replace(/\}$/, ',"__proto__":{"type":1},"constructor":{"prototype":{"paid":true}}}'),
    ),
  );
  const order = await shop.order();
  for (const text of [order.message!, order.name!, order.address!, order.contact]) {
    // deno-lint-ignore no-control-regex -- that there is none is the point
    assert(!/[\u0000-\u0009\u000B-\u001F\u202E]/.test(text), text);
    assert(text.includes("<script>"), "kept as it was written; a page escapes it");
  }
  assert(({} as Record<string, unknown>).paid === undefined);
  const timeline = (await shop.timeline(order)).join();
  assert(!timeline.includes("script") && !JSON.stringify(lines).includes("script"));
});

Deno.test("#16 too deep and too long: refused with the reason where it fits an event, dropped where it doesn't", async () => {
  await using shop = await Shop.open();
  const [alice, bob] = [shop.customer(), shop.customer("bob", "nip17")];
  const deep = `{"id":"order-1","type":0,"x":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
  for (const customer of [alice, bob]) {
    assertEquals(refusalIn(await customer.says(deep)), "The message is nested too deeply.");
  }
  assertEquals(await alice.says(orderJson({ message: "x".repeat(70_000) })), []);
  const [last] = await shop.database.kysely.selectFrom("inbox").select(["state", "reason"])
    .orderBy("seq", "desc").limit(1).execute();
  assertEquals([last!.state, last!.reason], ["dropped", "too long"]);
  requestIn(await alice.orders());
});
