import { assertEquals, assertStringIncludes } from "@std/assert";
import type { NostrEvent } from "@nostrify/types";
import * as nip59 from "nostr-tools/nip59";
import { raised } from "../../src/notifications/conditions_store.ts";
import {
  endSecondInstance,
  isCheckoutAnswer,
  judgeOwnMessage,
} from "../../src/notifications/second_instance.ts";
import { orderJson, requestIn, toldIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { advanceUntil, until } from "../support/jobs.ts";
import { keyPair } from "../support/keys.ts";
import { recordingLog } from "../support/log.ts";
import { Shop } from "../support/shop.ts";
import { bodiesRead } from "../messages/inbox_rows.ts";

const owner = keyPair("olivia").pubkey;
const { pubkey: merchant, secretKey } = keyPair("merchant");
const alice = keyPair("alice").pubkey;
const INVOICE = JSON.stringify({ id: "order-9", type: 1, payment_options: [{ type: "ln", link: "lnbc1" }] });

/** The copy for itself that another program with our key makes of what it sends to a customer. */
function selfCopy(content: string, at: number): NostrEvent {
  const rumor = nip59.createRumor({ kind: 14, content, tags: [["p", alice]], created_at: at }, secretKey);
  return JSON.parse(JSON.stringify(nip59.createWrap(nip59.createSeal(rumor, secretKey, merchant), merchant)));
}
const secondsOf = (shop: Shop) => Math.floor(shop.clock.now() / 1000);
const halted = async (shop: Shop) =>
  (await shop.database.kysely.selectFrom("merchants").select("halted").executeTakeFirstOrThrow()).halted !==
    null;

/** Somebody else answers with the shop's key, a while after the shop began. */
async function intrude(shop: Shop): Promise<void> {
  await shop.pass(60_000);
  await shop.receive(selfCopy(INVOICE, secondsOf(shop)));
  await shop.settle();
}

onEachDatabase(
  "a checkout answer that we didn't send halts the shop, once, and alarms its owners",
  async (database) => {
    await using shop = await Shop.open({ database, owners: [owner] });
    await intrude(shop);
    assertEquals(await halted(shop), true);
    await shop.receive(selfCopy(INVOICE, secondsOf(shop)));
    await shop.settle();
    assertEquals((await raised(database.kysely)).map(({ name, merchant: of }) => [name, of]), [
      ["second_instance", merchant],
    ]);
    const told = (await shop.customer("olivia").hears()).map((one) => one.raw);
    assertEquals(told.length, 1);
    assertStringIncludes(told[0]!, "Somebody else answers customers with the shop's key.");
  },
);

onEachDatabase(
  "while halted orders wait unread, and are read in their order after somebody resumed",
  async (database) => {
    await using shop = await Shop.open({ database });
    await intrude(shop);
    const buyer = shop.customer();
    assertEquals(await buyer.orders({ id: "one" }), []);
    assertEquals(await buyer.orders({ id: "two" }), []);
    for (let i = 0; i < 30; i++) await shop.pass(60_000);
    assertEquals(await shop.orders(), []);
    const rows = await database.kysely.selectFrom("inbox").select("state").where("sender", "is", null)
      .execute();
    assertEquals(rows.filter((row) => row.state === "new").length, 2);
    await database.transaction((tx) => endSecondInstance(tx, merchant, shop.clock.now()));
    await shop.settle();
    assertEquals((await bodiesRead(database)).map((body) => JSON.parse(body).id), ["one", "two"]);
    // Read in their order; two orders' answers don't wait for each other.
    assertEquals((await buyer.hears()).map((answer) => answer.id).toSorted(), ["one", "two"]);
    assertEquals(await raised(database.kysely), []);
  },
);

Deno.test("while halted a payment is booked, and its answer waits for hours without being lost", async () => {
  await using shop = await Shop.open();
  const buyer = shop.customer();
  const request = requestIn(await buyer.orders());
  await intrude(shop);
  assertEquals(await buyer.pays(request), []);
  assertEquals((await shop.order()).payment, "paid");
  for (let i = 0; i < 90; i++) await shop.pass(120_000);
  assertEquals(await buyer.hears(), []);
  const dead = await shop.database.kysely.selectFrom("jobs").select("kind").where("state", "=", "dead")
    .execute();
  assertEquals(dead, []);
  await shop.database.transaction((tx) => endSecondInstance(tx, merchant, shop.clock.now()));
  await shop.pass(16_000);
  assertEquals(toldIn(await buyer.hears()).length, 1);
});

Deno.test("an invoice that wasn't made yet is made after somebody resumed, and not before", async () => {
  await using shop = await Shop.open();
  await shop.pass(60_000);
  shop.wallet.faults.always("createInvoice", { do: "fail", kind: "unreachable" });
  const buyer = shop.customer();
  await buyer.writes(orderJson());
  const failed = async () =>
    await shop.database.kysely.selectFrom("jobs").select("id").where("kind", "=", "invoice.create")
      .where("state", "=", "ready").where("last_error", "is not", null).executeTakeFirst();
  await advanceUntil(shop.clock, async () => await failed() !== undefined, "the job gives up for now");
  await shop.receive(selfCopy(INVOICE, secondsOf(shop)));
  await shop.settle();
  shop.wallet.faults.always("createInvoice", null);
  await shop.pass(60_000);
  await shop.pass(60_000);
  assertEquals((await buyer.hears()).flatMap((answer) => answer.payment_options ?? []), []);
  assertEquals((await shop.order()).payment, "quoting");
  await shop.database.transaction((tx) => endSecondInstance(tx, merchant, shop.clock.now()));
  await shop.pass(16_000);
  await shop.pass(16_000);
  requestIn((await buyer.hears()).slice(-1));
});

const own = {
  merchant,
  eventId: "e".repeat(64),
  rumorId: null,
  content: INVOICE,
  kind: 4,
  tags: [["p", alice]],
  created_at: 0,
};

Deno.test("our own answers that come back from a relay alarm nobody", async () => {
  await using shop = await Shop.open({ relays: ["wss://relay.example"] });
  await shop.pass(60_000);
  const buyer = shop.customer("alice", "nip17");
  await buyer.pays(requestIn(await buyer.orders()));
  const copiesOf = () =>
    shop.published.map(([, event]) => event).filter((event) =>
      event.kind === 1059 && event.tags.some(([, key]) => key === merchant)
    );
  await until(() => copiesOf().length >= 2, "both copies are published");
  const copies = copiesOf();
  assertEquals(copies.length, 2);
  for (const copy of copies) await shop.receive(copy, "wss://relay.example");
  await shop.settle();
  const reasons = await shop.database.kysely.selectFrom("inbox").select("reason").where(
    "state",
    "=",
    "dropped",
  )
    .execute();
  assertEquals(reasons.map((row) => row.reason), ["own message", "own message"]);
  assertEquals(await halted(shop), false);
});

Deno.test("history alarms nobody: another bot's answers from before, and what is older than ten minutes", async () => {
  await using shop = await Shop.open();
  const start = secondsOf(shop);
  await shop.receive(selfCopy(INVOICE, start - 1));
  await shop.settle();
  assertEquals(await halted(shop), false, "before we began");
  await shop.pass(3_600_000);
  await shop.receive(selfCopy(INVOICE, secondsOf(shop) - 601));
  await shop.settle();
  assertEquals(await halted(shop), false, "old");
  await shop.receive(selfCopy(INVOICE, secondsOf(shop) - 599));
  await shop.settle();
  assertEquals(await halted(shop), true, "fresh");
});

Deno.test("the merchant's own chat alarms nobody", async () => {
  await using shop = await Shop.open();
  await shop.pass(60_000);
  for (const text of ["Thank you!", '{"id":"x","type":0,"items":[]}', '{"hello":1}', "✅ PAYMENT RECEIVED"]) {
    await shop.receive(selfCopy(text, secondsOf(shop)));
  }
  await shop.settle();
  assertEquals(await halted(shop), false);
});

Deno.test("what alarmed once doesn't again after somebody resumed, but the next answer does", async () => {
  await using shop = await Shop.open();
  await intrude(shop);
  const again = selfCopy(INVOICE, secondsOf(shop));
  await shop.pass(1_000);
  await shop.database.transaction((tx) => endSecondInstance(tx, merchant, shop.clock.now()));
  await shop.receive(again);
  await shop.settle();
  assertEquals(await halted(shop), false);
  await intrude(shop);
  assertEquals(await halted(shop), true);
});

onEachDatabase("of several processes that see it one raises the alarm", async (database) => {
  await using shop = await Shop.open({ database });
  await shop.pass(60_000);
  const { log, lines } = recordingLog();
  const seen = { ...own, created_at: secondsOf(shop) };
  const alarms = await Promise.all(
    [1, 2, 3].map(() => database.transaction((tx) => judgeOwnMessage(tx, seen, shop.clock.now(), log))),
  );
  assertEquals(alarms.filter((one) => one).length, 1);
  assertEquals(lines.map((line) => line.event), ["merchant.halted"]);
});

const ANSWERS: [string, number, string[][], boolean][] = [
  [INVOICE, 4, [], true],
  ['{"type":2,"id":"x","paid":true,"shipped":false}', 14, [], true],
  ['{"type":"1","id":"x"}', 4, [], true],
  ['{"type":2}', 4, [], false],
  ['{"type":0,"id":"x"}', 4, [], false],
  ["Thank you", 4, [], false],
  ["", 16, [["type", "2"]], true],
  ["", 16, [["type", "3"]], true],
  ["", 16, [["type", "4"]], false],
  [INVOICE, 15, [], false],
];
Deno.test("isCheckoutAnswer() knows invoices and statuses", () => {
  for (const [content, kind, tags, expected] of ANSWERS) {
    assertEquals(isCheckoutAnswer({ content, kind, tags }), expected, `${kind} ${content}`);
  }
});
