import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Retention } from "../../src/app/retention.ts";
import type { Database } from "../../src/db/database.ts";
import { decodeBolt11, encodeBolt11 } from "../../src/payments/bolt11.ts";
import { approveRefund } from "../../src/payments/refund_decisions.ts";
import { checkBooks } from "../support/books.ts";
import { toldIn } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { testFetch } from "../support/https_server.ts";
import { type LnurlFaults, LnurlServer } from "../support/lnurl_server.ts";
import { silentLog } from "../support/log.ts";
import { Shop, type ShopOptions } from "../support/shop.ts";
import { chatIn, decides, owed, refund, tries } from "./refunds.ts";

const HOUR_MS = 3_600_000;
const SAT = 1_000n;

/** A shop, and the server of its customers' addresses, which has their wallets make the invoices. */
async function scene(o: { database?: Database; faults?: LnurlFaults; shop?: ShopOptions } = {}) {
  const server = new LnurlServer({
    faults: o.faults ?? {},
    onInvoice: async (amountMsat) => {
      const request = { amountMsat, description: "refund", expirySeconds: 600, externalId: "" };
      return (await shop.purse.createInvoice(request, new AbortController().signal)).bolt11;
    },
  });
  const shop = await Shop.open({ ...o.shop, ...(o.database && { database: o.database }), web: testFetch() });
  return {
    server,
    shop,
    [Symbol.asyncDispose]: async () => {
      await shop[Symbol.asyncDispose]();
      await server.stop();
    },
  };
}

onEachDatabase("a refund goes to the customer's Lightning address, once it is approved", async (database) => {
  await using it = await scene({ database });
  const { shop, server } = it;
  const alice = shop.customer();
  const due = await owed(shop, alice);
  assertEquals(
    chatIn(await alice.says(`My lightning address is ${server.address.toUpperCase()}, thanks`)),
    "Thank you: 100 sat will be sent to your Lightning address as soon as the merchant has confirmed it.",
  );
  assertEquals([server.asked, shop.spend.payments()], [[], []], "nobody is asked before the approval");
  await decides(shop, { approve: due.id });
  assertEquals(toldIn(await alice.hears()), ["refunded: Your payment was refunded."]);
  const [paid, ...more] = shop.spend.payments();
  assertEquals([paid!.amountMsat, more], [100n * SAT, []]);
  assertEquals(server.invoices.map((one) => [one.amountMsat, one.params]), [[100n * SAT, {}]]);
  const sent = await refund(shop);
  assertEquals([sent.state, sent.destination, sent.approved_by], ["sent", server.address, "ann"]);
  const read = decodeBolt11(sent.resolved!);
  assert(
    read.ok && read.invoice.paymentHash === sent.payment_hash && sent.payment_hash === paid!.paymentHash,
  );
  assertEquals((await shop.timeline(await shop.order())).slice(-5), [
    "The customer sent a Lightning address for the refund of 100 sat.",
    "The refund of 100 sat was approved by the merchant.",
    "The customer's Lightning address gave an invoice for the refund of 100 sat.",
    "100 sat were sent to the customer's invoice. The wallet's fee was 1 sat.",
    "Refunded.",
  ]);
  await checkBooks(shop);
});

Deno.test("within the merchant's limit an address is paid without a person", async () => {
  const autoRefund = { limitMsat: 150n * SAT, budgetMsat: 250n * SAT };
  await using it = await scene({ shop: { terms: { autoRefund } } });
  const alice = it.shop.customer();
  await owed(it.shop, alice);
  const said = (await alice.says(it.server.address)).map((one) => one.text ?? one.message);
  assertEquals(said, [
    "Thank you: 100 sat are being sent to your Lightning address.",
    "Your payment was refunded.",
  ]);
  await checkBooks(it.shop);
});

Deno.test("nobody but the order's own customer names an address", async () => {
  await using it = await scene();
  const [alice, mallory] = [it.shop.customer("alice"), it.shop.customer("mallory")];
  await owed(it.shop, alice);
  assertEquals(await mallory.says(it.server.address), []);
  assertEquals((await refund(it.shop)).destination, null);
});

Deno.test("an e-mail address in a sentence is chat; alone or called one it is a Lightning address", async () => {
  await using it = await scene();
  const alice = it.shop.customer();
  await owed(it.shop, alice);
  for (
    const chat of [
      "Write to me at alice@example.com, please",
      "I'm still waiting. Write to alice@example.com.",
      "alice@example.com is where I get mail",
      "What is a lightning address?",
      "lightning address: none",
    ]
  ) {
    assertEquals(await alice.says(chat), [], chat);
    assertEquals((await refund(it.shop)).destination, null, chat);
  }
  for (
    const [text, address] of [
      ["Bob@Example.com", "bob@example.com"],
      ["⚡ bob@pay.example.com", "bob@pay.example.com"],
      ["Send it to lightning:bob+cups@example.com.", "bob+cups@example.com"],
      ["My LN address: bob@example.com!", "bob@example.com"],
    ] as const
  ) {
    chatIn(await alice.says(text));
    assertEquals((await refund(it.shop)).destination, address, text);
  }
  assertMatch(chatIn(await alice.says("me@localhost.")), /can't be used for your refund/);
});

Deno.test("what was looked at is what is approved: another destination isn't paid", async () => {
  await using it = await scene();
  const { shop, server } = it;
  const alice = shop.customer();
  const { id } = await owed(shop, alice);
  await alice.says("mallory@pay.example.com");
  const seen = (await refund(shop)).destination!;
  await alice.says(server.address);
  const approve = (destination: string) =>
    shop.database.transaction((tx) =>
      approveRefund(tx, { id, by: "ann", destination, canPay: true }, shop.clock.now())
    );
  const refused = await approve(seen);
  assert(!refused.ok && /another destination meanwhile/.test(refused.reason));
  assert((await approve(server.address)).ok);
  await shop.settle();
  assertEquals((await refund(shop)).state, "sent");
});

const USELESS: [string, LnurlFaults][] = [
  ["takes no such amount", { request: { minSendable: 1_000_000 } }],
  ["says no", { callback: () => Response.json({ status: "ERROR", reason: "No." }) }],
  ["is none", { request: { tag: "withdrawRequest" } }],
  ["leads to loopback", { request: { callback: "https://127.0.0.2/" } }],
  ["wants another amount", { made: () => ({ pr: other(99_000n) }) }],
  ["wants any amount", { made: () => ({ pr: other(null) }) }],
];
for (const [what, faults] of USELESS) {
  Deno.test(`an address that ${what} gets nothing, and the customer is asked for another destination`, async () => {
    await using it = await scene({ faults });
    const { shop, server } = it;
    const alice = shop.customer();
    const due = await owed(shop, alice);
    await alice.says(server.address);
    await decides(shop, { approve: due.id });
    const [told] = toldIn(await alice.hears());
    assertStringIncludes(
      told!,
      "Your refund of 100 sat couldn't be sent: Your Lightning address can't be used",
    );
    assert(told!.endsWith("Answer with a Lightning address or an invoice over 100 sat."), told);
    const row = await refund(shop);
    assertEquals([row.state, row.destination, row.resolved, row.payment_hash], ["due", null, null, null]);
    assertEquals(shop.spend.payments(), []);
    const timeline = (await shop.timeline(await shop.order())).join(" ");
    assertMatch(timeline, /The customer's Lightning address can't be used\. It/);
    assert(!timeline.includes("example.com"), "the timeline outlives what is known of the customer");
    // A better one.
    server.faults = {};
    await alice.says(server.address);
    await decides(shop, { approve: due.id });
    assertEquals((await refund(shop)).state, "sent");
    await checkBooks(shop);
  });
}

Deno.test("a server that is away is asked again for an hour, and then the customer", async () => {
  await using it = await scene({ faults: { callback: () => new Response("", { status: 503 }) } });
  const { shop, server } = it;
  const alice = shop.customer();
  const due = await owed(shop, alice);
  await alice.says(server.address);
  await decides(shop, { approve: due.id });
  for (let i = 0; i < 3; i++) await shop.pass(61_000);
  assertEquals((await refund(shop)).state, "approved");
  assertMatch((await refund(shop)).note!, /503/);
  await shop.pass(HOUR_MS);
  assertStringIncludes(toldIn(await alice.hears())[0]!, "Your Lightning address can't be used");
  await alice.says(server.address);
  await decides(shop, { approve: due.id });
  server.faults = {};
  await shop.pass(61_000);
  assertEquals((await refund(shop)).state, "sent");
  await checkBooks(shop);
});

Deno.test("an invoice that runs out before the wallet is there is replaced by another of the same address", async () => {
  await using it = await scene();
  const { shop, server } = it;
  const alice = shop.customer();
  const due = await owed(shop, alice);
  await alice.says(server.address);
  shop.spend.faults.next("pay", { do: "fail", kind: "busy" });
  await decides(shop, { approve: due.id });
  const first = await refund(shop);
  assertEquals([first.state, server.invoices.length], ["approved", 1]);
  await shop.pass(700_000);
  const sent = await refund(shop);
  assertEquals([sent.state, server.invoices.length], ["sent", 2]);
  assert(sent.payment_hash !== first.payment_hash);
  assertEquals(shop.spend.payments().length, 1);
  await checkBooks(shop);
});

Deno.test("a doubt is about the invoice that was paid, and no other is asked for", async () => {
  await using it = await scene();
  const { shop, server } = it;
  const alice = shop.customer();
  const due = await owed(shop, alice);
  await alice.says(server.address);
  shop.spend.faults.next("pay", { do: "fail", kind: "no_answer" });
  shop.spend.faults.always("lookupPayment", { do: "fail", kind: "unreachable" });
  await decides(shop, { approve: due.id });
  assertEquals((await refund(shop)).state, "unknown");
  await shop.pass(HOUR_MS);
  assertEquals([(await refund(shop)).state, server.invoices.length], ["unknown", 1]);
  // A person has looked: its invoice has run out, the address gives another.
  shop.spend.faults.always("lookupPayment", null);
  assert((await tries(shop, { retry: due.id })).ok);
  await shop.settle();
  assertEquals([(await refund(shop)).state, server.invoices.length], ["sent", 2]);
  await checkBooks(shop);
});

Deno.test("when the order's data goes, the address and its invoice go, too", async () => {
  await using it = await scene();
  const { shop, server } = it;
  const alice = shop.customer();
  const due = await owed(shop, alice);
  await alice.says(server.address);
  await decides(shop, { approve: due.id });
  assertEquals((await refund(shop)).state, "sent");
  await shop.pass(100 * 24 * HOUR_MS);
  const { database, clock } = shop;
  const settings = { NCC_RETENTION_DAYS: 90, NCC_DATA_DIR: "/nowhere" };
  await new Retention({ database, clock, log: silentLog, settings }).run();
  const row = await refund(shop);
  assertEquals([row.destination, row.resolved], [null, null]);
  const kept = [
    await shop.timeline(await shop.order()),
    await database.kysely.selectFrom("jobs").selectAll().execute(),
    await database.kysely.selectFrom("notices").selectAll().execute(),
  ];
  assert(!JSON.stringify(kept).includes("example.com"));
});

function other(amountMsat: bigint | null): string {
  return encodeBolt11({
    network: "bcrt",
    amountMsat,
    timestamp: Date.UTC(2026, 0, 1) / 1000,
    paymentHash: "ab".repeat(32),
    paymentSecret: "cd".repeat(32),
    description: "refund",
    expirySeconds: 86_400,
  }, new Uint8Array(32).fill(9));
}
