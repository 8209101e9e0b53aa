import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { encodeBolt11 } from "../../../src/payments/bolt11.ts";
import {
  type CreatedInvoice,
  type PaymentHint,
  WalletError,
  type WalletErrorKind,
} from "../../../src/payments/wallet.ts";
import { FakeRelay } from "../../support/fake_relay.ts";
import { serveNpmRelay } from "../../support/npm_relay.ts";
import { until } from "../../support/wire.ts";
import { patience, type Request, ScriptedWallet } from "./scripted_wallet.ts";

const forEver = new AbortController().signal;
const HASH = "ab".repeat(32);
const asked = { amountMsat: 21_000_000n, description: "Order 1", expirySeconds: 900, externalId: "1#1" };
const ref = { paymentHash: HASH, bolt11: "lnbcrt1", createdAt: Date.now() };
const invoice = encodeBolt11({
  network: "bcrt",
  amountMsat: asked.amountMsat,
  timestamp: Math.floor(Date.now() / 1000),
  paymentHash: HASH,
  paymentSecret: "cd".repeat(32),
  description: asked.description,
  expirySeconds: 900,
}, new Uint8Array(32).fill(9));
const made = {
  result_type: "make_invoice",
  result: { type: "incoming", invoice, payment_hash: HASH, amount: 21_000_000 },
};
const METHODS = "make_invoice lookup_invoice get_info";

async function failure(work: Promise<unknown>, kind: WalletErrorKind, text = ""): Promise<WalletError> {
  const error = await assertRejects(() => work, WalletError, text) as WalletError;
  assertEquals(error.kind, kind, error.message);
  return error;
}

for (const [encryption, cipher] of [[undefined, "nip04"], ["nip44_v2 nip04", "nip44"]] as const) {
  Deno.test(`make_invoice goes under ${cipher} when the wallet offers ${encryption ?? "nothing"}`, async () => {
    await using relay = await serveNpmRelay();
    await using service = new ScriptedWallet(relay.url);
    service.answer = () => made;
    await service.serve({ methods: METHODS, ...(encryption ? { encryption } : {}) });
    const wallet = service.connect();
    assertEquals(await wallet.createInvoice(asked, forEver), { bolt11: invoice, paymentHash: HASH });
    const [request] = service.requests;
    assertEquals(request!.cipher, cipher);
    assertEquals(request!.params, { amount: 21_000_000, description: "Order 1", expiry: 900 });
    const tag = (name: string) => request!.event.tags.find(([n]) => n === name)?.[1];
    assertEquals(tag("encryption"), cipher === "nip44" ? "nip44_v2" : "nip04");
    assertEquals(Number(tag("expiration")), request!.event.created_at + 60);
    await wallet.close();
  });
}

Deno.test("each connection has an id of its own, though a service has one key for all its accounts", async () => {
  await using relay = await FakeRelay.start();
  await using service = new ScriptedWallet(relay.url);
  const [one, same, other] = [undefined, undefined, new Uint8Array(32).fill(7)].map((secret) =>
    service.connect({ relays: [relay.url], ...(secret && { secret }) })
  );
  assertEquals(one!.id, same!.id);
  assert(one!.id !== other!.id);
  assertMatch(one!.id, /^nwc:[0-9a-f]{16}$/);
});

Deno.test("both notification kinds, twice each and by two relays, are one hint; other notifications are none", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  await service.serve({ methods: METHODS, encryption: "nip44_v2 nip04" });
  const wallet = service.connect({ relays: [relay.url, `${relay.url}/`.replace("127.0.0.1", "localhost")] });
  const hints: PaymentHint[] = [];
  wallet.subscribe((hint) => hints.push(hint));
  service.answer = () => ({ result: { network: "regtest" } });
  await wallet.probe(forEver); // The subscription stands.
  const note = (type: string, hash: string) => ({
    notification_type: type,
    notification: { payment_hash: hash },
  });
  await service.send(23196, note("payment_received", HASH), "nip04");
  await service.send(23197, note("payment_received", HASH), "nip44");
  await service.send(23197, note("payment_received", HASH), "nip44");
  await service.send(23197, note("payment_sent", "00".repeat(32)), "nip44");
  await service.send(23197, note("payment_received", "11".repeat(32)), "nip04");
  await until(() => hints.length >= 2);
  assertEquals(hints, [{ paymentHash: HASH }, { paymentHash: "11".repeat(32) }]);
  await wallet.close();
});

Deno.test("a hint may come before the answer to make_invoice", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  service.answer = async () => {
    await service.send(
      23196,
      { notification_type: "payment_received", notification: { payment_hash: HASH } },
      "nip04",
    );
    return made;
  };
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  const heard: string[] = [];
  wallet.subscribe(() => heard.push("hint"));
  await wallet.createInvoice(asked, forEver);
  heard.push("answer");
  await until(() => heard.length === 2);
  await wallet.close();
});

Deno.test("without an answer the same signed event goes out again, and a late answer still arrives", async () => {
  await using relay = await FakeRelay.start();
  await using service = new ScriptedWallet(relay.url);
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  const wait = patience();
  const late: CreatedInvoice[] = [];
  const answer = wallet.createInvoice({ ...asked, onLate: (created) => late.push(created) }, wait.signal);
  answer.catch(() => {});
  const sent = () => relay.frames.filter((frame) => JSON.parse(frame)[1].kind === 23194);
  for (let n = 1; n <= 3; n++) {
    await until(() => sent().length === n);
    await until(() => service.requests.length >= 1);
    await service.clock.advance(2_500);
  }
  assertEquals(new Set(sent()).size, 1);
  wait.end();
  await failure(answer, "no_answer", "make_invoice");
  await service.reply(service.requests[0]!, made);
  await until(() => late.length === 1);
  await service.reply(service.requests[0]!, made);
  assertEquals(late, [{ bolt11: invoice, paymentHash: HASH }]);
  await wallet.close();
});

Deno.test("an answer that comes twice counts once, and one to another request means nothing", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  service.answer = async (request) => {
    const other = { ...request, event: { ...request.event, id: "00".repeat(32) } };
    await service.reply(other, { result: { invoice: "lnbcrt1wrong" } });
    await service.reply(request, made);
    return made;
  };
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  assertEquals((await wallet.createInvoice(asked, forEver)).bolt11, invoice);
  assertEquals((await wallet.createInvoice(asked, forEver)).bolt11, invoice);
  await wallet.close();
});

Deno.test("the wallet's errors are told by kind", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  const table: [string, WalletErrorKind, boolean][] = [
    ["RATE_LIMITED", "busy", true],
    ["INTERNAL", "busy", true],
    ["RESTRICTED", "unauthorized", false],
    ["OTHER", "refused", false],
  ];
  for (const [code, kind, temporary] of table) {
    service.answer = () => ({ error: { code, message: "why" } });
    assertEquals(
      (await failure(wallet.createInvoice(asked, forEver), kind, `${code}: why`)).temporary,
      temporary,
    );
  }
  service.answer = () => ({ result: {} });
  await failure(wallet.createInvoice(asked, forEver), "bad_answer");
  service.answer = () => ({ error: { code: "NOT_FOUND", message: "no" } });
  assertEquals(await wallet.lookup(ref, forEver), { status: "not_found" });
  await wallet.close();
});

const transaction = (hash: string, more: Record<string, unknown> = {}) => ({
  type: "incoming",
  payment_hash: hash,
  amount: 1000,
  ...more,
});

Deno.test("where lookup_invoice isn't offered, or turns out not to be, the list is searched page by page", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  const pages = [
    Array.from({ length: 20 }, (_, i) => transaction(String(i).padStart(64, "0"))),
    [transaction(HASH, { state: "settled", settled_at: 1_767_225_600 })],
  ];
  const answer = ({ method, params }: Request) =>
    method === "list_transactions"
      ? { result: { transactions: pages[Number(params.offset) / 20] ?? [] } }
      : { error: { code: "NOT_IMPLEMENTED", message: "" } };
  service.answer = answer;
  await service.serve({ methods: "make_invoice list_transactions lookup_invoice" });
  const wallet = service.connect();
  const settled = { status: "settled" as const, amountMsat: 1000n, settledAt: 1_767_225_600_000 };
  assertEquals(await wallet.lookup(ref, forEver), settled);
  assertEquals(service.requests.map((r) => r.method), [
    "lookup_invoice",
    "list_transactions",
    "list_transactions",
  ]);
  assertEquals(service.requests[1]!.params, {
    from: Math.floor(ref.createdAt / 1000) - 60,
    limit: 20,
    offset: 0,
    unpaid: true,
    type: "incoming",
  });
  assertEquals(await wallet.lookup({ ...ref, paymentHash: "22".repeat(32) }, forEver), {
    status: "not_found",
  });
  assert(!service.requests.slice(3).some((r) => r.method === "lookup_invoice"), "it isn't asked for again");
  await wallet.close();
});

Deno.test("a list's end is an empty page, however few each page has; one without end tells nothing", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  const others = (type: string) =>
    Array.from({ length: 15 }, (_, i) => transaction(String(i).padStart(64, "0"), { type }));
  let books: unknown[] = [];
  service.answer = ({ params: { offset } }) => ({
    // It gives seven at once, whatever it is asked for.
    result: { transactions: books.slice(Number(offset), Number(offset) + 7) },
  });
  await service.serve({ methods: "make_invoice list_transactions pay_invoice" });
  const wallet = service.connect();
  const settled = { state: "settled", settled_at: 5 };
  books = [...others("incoming"), transaction(HASH, settled)];
  assertEquals((await wallet.lookup(ref, forEver)).status, "settled");
  books = [...others("outgoing"), transaction(HASH, { ...settled, type: "outgoing" })];
  assertEquals((await wallet.lookupPayment(ref, forEver)).status, "settled");
  books = others("incoming");
  assertEquals((await wallet.lookup(ref, forEver)).status, "not_found");
  assertEquals((await wallet.lookupPayment(ref, forEver)).status, "not_found");
  // It knows no offset, or is longer than we read.
  service.answer = () => ({ result: { transactions: others("incoming") } });
  await failure(wallet.lookup(ref, forEver), "bad_answer", "list");
  await failure(wallet.lookupPayment(ref, forEver), "bad_answer", "list");
  await wallet.close();
});

Deno.test("an outgoing payment of the same hash is no payment; the list tells", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  service.answer = ({ method }) =>
    method === "lookup_invoice"
      ? { result: transaction(HASH, { type: "outgoing", state: "settled", settled_at: 5 }) }
      : { result: { transactions: [transaction(HASH, { state: "pending" })] } };
  await service.serve({ methods: "make_invoice lookup_invoice list_transactions" });
  const wallet = service.connect();
  assertEquals(await wallet.lookup(ref, forEver), { status: "open" });
  await wallet.close();
});

Deno.test("UNSUPPORTED_ENCRYPTION makes it read the info event again, once", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  service.answer = async (request) => {
    if (request.cipher === "nip44") return made;
    await service.announce({ methods: METHODS, encryption: "nip44_v2" }, 2);
    return { error: { code: "UNSUPPORTED_ENCRYPTION", message: "use nip44_v2" } };
  };
  assertEquals((await wallet.createInvoice(asked, forEver)).bolt11, invoice);
  assertEquals(service.requests.map((r) => r.cipher), ["nip04", "nip44"]);
  await wallet.close();
});

Deno.test("probe() tells network and methods, and what the connection lacks", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  service.answer = () => ({ result: { network: "Regtest", alias: "my node" } });
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  assertEquals(await wallet.probe(forEver), {
    network: "bcrt",
    alias: "my node",
    methods: METHODS.split(" "),
    canSpend: false,
  });
  service.answer = () => ({ result: { network: "moon" } });
  assertEquals((await wallet.probe(forEver)).network, null);
  await wallet.close();
  for (
    const [methods, lacks] of [["get_info lookup_invoice", "make_invoice"], [
      "make_invoice",
      "lookup_invoice",
    ]] as const
  ) {
    await using other = new ScriptedWallet(relay.url);
    await other.serve({ methods });
    const poor = other.connect();
    await failure(poor.probe(forEver), "not_implemented", lacks);
    await poor.close();
  }
});

Deno.test("while a relay keeps the info event from a probe, the connection works as before", async () => {
  await using relay = await FakeRelay.start();
  await using service = new ScriptedWallet(relay.url);
  service.answer = ({ method }) => method === "get_info" ? { result: { network: "regtest" } } : made;
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  assertEquals((await wallet.probe(forEver)).network, "bcrt");
  relay.is.emptyEose = true;
  await failure(wallet.probe(forEver), "unreachable", "kind 13194");
  assertEquals((await wallet.createInvoice(asked, forEver)).bolt11, invoice);
  relay.is.emptyEose = false;
  await service.announce({ methods: "make_invoice" }, 1);
  await failure(wallet.probe(forEver), "not_implemented", "lookup_invoice");
  await wallet.close();
});

Deno.test("a wallet that can't be reached says where it was looked for", async () => {
  await using relay = await FakeRelay.start();
  await using service = new ScriptedWallet(relay.url);
  const silent = service.connect();
  const error = await failure(silent.probe(forEver), "unreachable", "kind 13194");
  assertMatch(error.message, /127\.0\.0\.1:\d+/);
  await silent.close();

  const dead = service.connect({ relays: ["ws://127.0.0.1:1"] });
  const wait = patience();
  const asking = dead.createInvoice(asked, wait.signal);
  asking.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 50));
  wait.end();
  await failure(asking, "unreachable", "no relay of the wallet can be reached");
  await dead.close();
});

Deno.test("a relay that refuses the request is told at once, with its words", async () => {
  await using relay = await FakeRelay.start();
  await using service = new ScriptedWallet(relay.url);
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  relay.is.refuse = "blocked: pay first";
  await failure(wallet.createInvoice(asked, forEver), "unreachable", "pay first");
  await wallet.close();
});

Deno.test("a lost connection is made again, goes back in time, and says that something may have been missed", async () => {
  await using relay = await FakeRelay.start();
  await using service = new ScriptedWallet(relay.url);
  service.answer = () => ({ result: { network: "regtest" } });
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  const hints: PaymentHint[] = [];
  wallet.subscribe((hint) => hints.push(hint));
  await wallet.probe(forEver);
  assertEquals(hints, []);
  const reqs = () => relay.reqs.flat().filter((filter) => filter.kinds?.includes(23195));
  const before = reqs().length;
  relay.drop();
  await until(async () => {
    await service.clock.advance(1_000);
    return hints.length === 1;
  });
  assertEquals(hints, [{}]);
  assert(reqs().length > before);
  assert(reqs().at(-1)!.since! <= Date.now() / 1000 - 100);
  await wallet.close();
});

Deno.test("a relay that takes requests and forgot our subscription is subscribed to anew", async () => {
  await using relay = await FakeRelay.start();
  await using service = new ScriptedWallet(relay.url);
  service.answer = () => ({ result: { network: "regtest" } });
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  await wallet.probe(forEver);
  const reqs = () => relay.reqs.flat().filter((filter) => filter.kinds?.includes(23195)).length;
  const before = reqs();
  service.answer = () => null;
  for (let i = 0; i < 3; i++) {
    assertEquals(reqs(), before);
    const asked = service.requests.length;
    const given = new AbortController();
    const asking = assertRejects(() => wallet.probe(given.signal), WalletError, "didn't answer");
    await until(() => service.requests.length > asked);
    given.abort();
    await asking;
  }
  service.answer = () => ({ result: { network: "regtest" } });
  await until(async () => {
    await service.clock.advance(500);
    return reqs() === before + 1;
  });
  assertEquals((await wallet.probe(forEver)).network, "bcrt");
  await wallet.close();
});

Deno.test("however many answers are missing at once, the relay is subscribed to anew once, and right away", async () => {
  await using relay = await FakeRelay.start();
  await using service = new ScriptedWallet(relay.url);
  service.answer = () => ({ result: { network: "regtest" } });
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  await wallet.probe(forEver);
  const reqs = () => relay.reqs.flat().filter((filter) => filter.kinds?.includes(23195)).length;
  const before = reqs();
  service.answer = () => null;
  const given = new AbortController();
  const asking = Array.from({ length: 20 }, () => assertRejects(() => wallet.probe(given.signal)));
  await until(() => service.requests.length === 21);
  given.abort();
  await Promise.all(asking);
  await until(() => reqs() > before);
  service.answer = () => ({ result: { network: "regtest" } });
  assertEquals((await wallet.probe(forEver)).network, "bcrt");
  assertEquals(reqs(), before + 1);
  await wallet.close();
});

Deno.test("a forged answer is ignored, and doesn't hide the real one of the same id", async () => {
  await using relay = await FakeRelay.start();
  await using service = new ScriptedWallet(relay.url);
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  const deliver = relay.publish.bind(relay);
  relay.publish = (event) => {
    if (event.kind === 23195) deliver({ ...event, sig: "00".repeat(64) });
    deliver(event);
  };
  service.answer = () => made;
  assertEquals((await wallet.createInvoice(asked, forEver)).bolt11, invoice);
  relay.publish = (event) => deliver(event.kind === 23195 ? { ...event, sig: "00".repeat(64) } : event);
  const wait = patience();
  const answer = wallet.createInvoice(asked, wait.signal);
  answer.catch(() => {});
  await until(() => service.requests.length === 2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  wait.end();
  await failure(answer, "no_answer");
  await wallet.close();
});

Deno.test("a dead relay beside a living one holds nothing up", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  service.answer = () => made;
  await service.serve({ methods: METHODS });
  const wallet = service.connect({ relays: ["ws://127.0.0.1:1", relay.url] });
  const begun = performance.now();
  await wallet.createInvoice(asked, forEver);
  assert(performance.now() - begun < 2_000);
  await wallet.close();
});

Deno.test("list_transactions tells what came in and is settled, page by page until one is empty", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  const settled = { state: "settled", settled_at: 1_767_225_600, created_at: 1_767_225_000 };
  const came = transaction(HASH.toUpperCase(), { ...settled, description: "Order 1", invoice: "LNBCRT1" });
  const others = [
    transaction("11".repeat(32), { state: "pending", settled_at: null }),
    transaction("22".repeat(32), { ...settled, type: "outgoing" }),
    transaction("no hash", settled),
    // It only says when; some wallets have no states.
    transaction("33".repeat(32), { settled_at: 1_767_225_600 }),
    "no transaction",
  ];
  service.answer = ({ params }) => ({
    result: { transactions: params.offset === 0 ? [came, ...others] : [] },
  });
  await service.serve({ methods: "make_invoice lookup_invoice list_transactions" });
  const wallet = service.connect();
  const span = { since: 1_767_225_000_400, until: 1_767_226_000_400 };
  const page = await wallet.listIncoming({ ...span, offset: 0 }, forEver);
  assertEquals(page, {
    settled: [
      { paymentHash: HASH, bolt11: "lnbcrt1", description: "Order 1", createdAt: 1_767_225_000_000 },
      { paymentHash: "33".repeat(32), bolt11: null, description: null, createdAt: null },
    ],
    next: 6,
  });
  assertEquals(await wallet.listIncoming({ ...span, offset: 6 }, forEver), { settled: [], next: null });
  assertEquals(service.requests[0]!.params, {
    from: 1_767_225_000,
    until: 1_767_226_001,
    limit: 20,
    offset: 0,
    type: "incoming",
  });
  await wallet.close();
});

Deno.test("a connection without list_transactions has no list", async () => {
  await using relay = await serveNpmRelay();
  await using service = new ScriptedWallet(relay.url);
  await service.serve({ methods: METHODS });
  const wallet = service.connect();
  await failure(wallet.listIncoming({ since: 0, until: 1, offset: 0 }, forEver), "not_implemented");
  assertEquals(service.requests, []);
  await wallet.close();
});
