import { assert, assertEquals, assertMatch } from "@std/assert";
import { forgetReplays } from "../../src/api/replays_store.ts";
import { WalletHooks } from "../../src/app/wallet_hooks.ts";
import { enqueue } from "../../src/jobs/queue.ts";
import { SecretBox } from "../../src/nostr/sealed_secrets.ts";
import type { Wallet } from "../../src/payments/wallet.ts";
import { systemRandom } from "../../src/random.ts";
import { recordingLog } from "../support/log.ts";
import { openBtcpay } from "../payments/btcpay/open.ts";
import { BtcpayServer, KEY, WEBHOOK_SECRET } from "../payments/contract/btcpay_server.ts";
import { BASE, TestApi } from "./test_api.ts";

/** A shop that receives with BTCPay, and the URL that BTCPay calls. */
async function scene(settings: Record<string, string> = {}): Promise<
  AsyncDisposable & {
    api: TestApi;
    server: BtcpayServer;
    url: string;
    lines: ReturnType<typeof recordingLog>["lines"];
    /** Calls it as the provider does. */
    call(url: string, delivery: { raw: Uint8Array; headers: Headers }, address?: string): Promise<Response>;
  }
> {
  const server = new BtcpayServer();
  const wallet = openBtcpay(server.url(KEY, `&webhook_secret=${WEBHOOK_SECRET}`));
  const { log, lines } = recordingLog();
  const api = await TestApi.open({ wallet, log, settings });
  const { body } = await api.get("/wallets");
  return {
    api,
    server,
    lines,
    url: body.data[0].hook_url,
    call: (url, { raw, headers }) =>
      api.app.fetch(new Request(url, { method: "POST", headers, body: raw as Uint8Array<ArrayBuffer> })),
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]();
      await server.stop();
    },
  };
}

Deno.test("a provider's call needs no token, and is answered without a word", async () => {
  await using it = await scene();
  assert(it.url.startsWith(`${BASE}/hooks/wallet/${it.api.merchant}/main/`));
  const answer = await it.call(it.url, it.server.delivery("InvoiceSettled", "Fq3kZ1"));
  assertEquals([answer.status, await answer.text()], [204, ""]);
  assertEquals(
    it.lines.filter(({ event }) => event === "wallet_hook.called").map(({ fields }) => fields.hints),
    [1],
  );
});

Deno.test("merchant, name and secret that don't belong together are all answered alike", async () => {
  await using it = await scene();
  const { merchant } = it.api;
  const secret = it.url.split("/").at(-1)!;
  const told = new Set<string>();
  for (
    const path of [
      `${merchant}/main/${secret.slice(0, -1)}`,
      `${merchant}/main/${secret.toUpperCase()}`,
      `${merchant}/main/x`,
      `${merchant}/other/${secret}`,
      `${"0".repeat(64)}/main/${secret}`,
      `__proto__/constructor/${secret}`,
    ]
  ) {
    const answer = await it.call(
      `${BASE}/hooks/wallet/${path}`,
      it.server.delivery("InvoiceSettled", "Fq3kZ1"),
    );
    const { request_id: _, ...body } = await answer.json();
    told.add(JSON.stringify([answer.status, body]));
  }
  assertEquals(told.size, 1);
  assertMatch([...told][0]!, /^\[404,/);
});

Deno.test("what isn't signed by the provider is refused, and hints at nothing", async () => {
  await using it = await scene();
  const forged = it.server.delivery("InvoiceSettled", "Fq3kZ1", {}, "a guess");
  assertEquals((await it.call(it.url, forged)).status, 401);
  assertEquals((await it.call(it.url, { ...forged, headers: new Headers() })).status, 401);
  assertEquals(it.lines.filter(({ event }) => event === "wallet_hook.called"), []);
  const refused = it.lines.filter(({ event }) => event === "wallet_hook.refused");
  assertEquals(refused.map(({ level }) => level), ["warn", "warn"]);
});

Deno.test("a call that comes again does nothing, until it is forgotten", async () => {
  await using it = await scene();
  const { database } = it.api.app;
  const delivery = it.server.delivery("InvoiceSettled", "Fq3kZ1");
  for (let n = 0; n < 2; n++) assertEquals((await it.call(it.url, delivery)).status, 204);
  const firsts = () =>
    it.lines.filter(({ event }) => event === "wallet_hook.called").map(({ fields }) => fields.first);
  assertEquals(firsts(), [true, false]);
  const kept = await database.kysely.selectFrom("replays").select("expires_at").execute();
  assertEquals(kept.map((one) => one.expires_at), [it.api.clock.now() + 30 * 60_000]);
  it.api.clock.jump(31 * 60_000);
  await database.transaction((tx) => forgetReplays(tx, it.api.clock.now()));
  await it.call(it.url, delivery);
  assertEquals(firsts(), [true, false, true]);
});

Deno.test("only the first of the same calls asks the wallet, for what it names and not without end", async () => {
  await using it = await scene();
  const { database, merchants } = it.api.app;
  const asked: unknown[] = [];
  const hooks = new WalletHooks({
    database,
    clock: it.api.clock,
    log: recordingLog().log,
    secrets: { derive: () => "s" },
    merchants,
    baseUrl: () => BASE,
    lookUpSoon: (...all) => void asked.push(all),
  });
  const { merchant } = it.api;
  const hooked = hooks.find({ merchant, name: "main", secret: "s" })!;
  const { raw, headers } = it.server.delivery("InvoiceSettled", "Fq3kZ1");
  assertEquals(await hooks.take(hooked, headers, raw), "taken");
  assertEquals(await hooks.take(hooked, headers, raw), "again");
  assertEquals(asked, [[merchant, { ref: "Fq3kZ1" }, hooked.wallet.id]]);
  const hints = Array.from({ length: 1_000 }, (_, n) => ({ ref: `r${n}` }));
  const wallet = {
    id: "w",
    readHook: () => ({ ok: true, hints, delivery: null }),
  } as unknown as typeof hooked.wallet;
  await hooks.take({ ...hooked, wallet }, headers, raw);
  assertEquals(asked.length, 21);
  const mute = {
    id: "w",
    readHook: () => ({ ok: false, reason: "it isn't signed" }),
  } as unknown as typeof wallet;
  const ends = [];
  for (let n = 0; n < 1_198; n++) ends.push(await hooks.take({ ...hooked, wallet: mute }, headers, raw));
  assertEquals([ends.indexOf("crowded"), ends.length], [1_197, 1_198]);
});

Deno.test("calls without a name of their own are known again by their bytes", async () => {
  await using it = await scene();
  const delivery = it.server.delivery("InvoiceSettled", "Fq3kZ1", { deliveryId: null });
  for (
    const one of [delivery, delivery, it.server.delivery("InvoiceExpired", "Fq3kZ1", { deliveryId: null })]
  ) {
    assertEquals((await it.call(it.url, one)).status, 204);
  }
  const called = it.lines.filter(({ event }) => event === "wallet_hook.called");
  assertEquals(called.map(({ fields }) => fields.first), [true, false, true]);
});

Deno.test("a body that is too large isn't read to its end", async () => {
  await using it = await scene();
  const raw = new Uint8Array(64 * 1024 + 1).fill(32);
  assertEquals((await it.call(it.url, { raw, headers: new Headers() })).status, 413);
});

Deno.test("an address that guesses is soon not listened to, one that calls much a little later", async () => {
  await using it = await scene();
  const wrong = `${BASE}/hooks/wallet/${it.api.merchant}/main/guess`;
  const delivery = it.server.delivery("InvoiceSettled", "Fq3kZ1");
  const statuses = async (url: string, times: number) => {
    const seen = [];
    for (let n = 0; n < times; n++) seen.push((await it.call(url, delivery)).status);
    return seen;
  };
  // Each counts for 30 of 600, and the last one for what is left.
  await statuses(it.url, 10);
  const guesses = await statuses(wrong, 22);
  assertEquals(guesses.indexOf(429), 20, guesses.join());
  const refused = await it.call(it.url, delivery);
  assertEquals([refused.status, refused.headers.get("retry-after")], [429, "60"]);
  it.api.clock.jump(60_000);
  const calls = await statuses(it.url, 601);
  assertEquals([calls.indexOf(429), calls[599]], [600, 204]);
});

Deno.test("the secret stands in no log line and no answer, whatever goes wrong", async () => {
  await using it = await scene();
  const secret = it.url.split("/").at(-1)!;
  const delivery = it.server.delivery("InvoiceSettled", "Fq3kZ1");
  const answers = [await it.call(it.url, delivery), await it.call(`${it.url}/more`, delivery)];
  for (const method of ["GET", "PUT", "DELETE"]) {
    answers.push(await it.api.app.fetch(new Request(it.url, { method })));
  }
  await it.api.app.database.transaction((tx) => tx.schema.dropTable("replays").execute());
  answers.push(await it.call(it.url, it.server.delivery("InvoiceSettled", "Fq3kZ1")));
  assertEquals(answers.map(({ status }) => status), [204, 404, 405, 405, 405, 500]);
  for (const answer of answers) assert(!(await answer.text()).includes(secret), `${answer.status}`);
  assert(it.lines.some(({ event }) => event === "api.fault"));
  assert(!JSON.stringify(it.lines).includes(secret), "a log line");
  const { body } = await it.api.ask("GET", "/metrics");
  assert(!body.includes(secret), "a metric");
});

Deno.test("a hook's URL is the same after a restart, and another for each merchant, name and wallet", () => {
  const hooksOf = (box: SecretBox, id = "w") => {
    const wallet = { id, readHook: () => ({ ok: false, reason: "" }) } as unknown as Wallet;
    const receiving = ["main", "spare"].map((name) => ({ name, wallet }));
    return new WalletHooks(
      {
        secrets: box,
        merchants: { get: (merchant: string) => merchant === "nobody" ? undefined : { receiving } },
        baseUrl: () => "https://shop.example",
        clock: { now: () => 0 },
      } as unknown as ConstructorParameters<typeof WalletHooks>[0],
    );
  };
  const key = new Uint8Array(32).fill(1);
  const [before, after] = [0, 0].map(() => hooksOf(new SecretBox(key, systemRandom)));
  const url = before!.urlOf("alice", "main")!;
  assertMatch(url, /^https:\/\/shop\.example\/hooks\/wallet\/alice\/main\/[\w-]{32}$/);
  assertEquals(after!.urlOf("alice", "main"), url);
  const others = [
    before!.urlOf("bob", "main"),
    before!.urlOf("alice", "spare"),
    hooksOf(new SecretBox(key, systemRandom), "x").urlOf("alice", "main"),
    hooksOf(new SecretBox(new Uint8Array(32).fill(2), systemRandom)).urlOf("alice", "main"),
  ].map((one) => one!.split("/").at(-1));
  assertEquals(new Set([...others, url.split("/").at(-1)]).size, 5);
  assertEquals(before!.urlOf("nobody", "main"), null);
  assertEquals(before!.urlOf("alice", "nothing"), null);
});

Deno.test("a wallet without such calls has no URL for them", async () => {
  // LNbits calls for single invoices only, and its WebSocket tells of all.
  for (const url of ["demo:", "lnbits+http://127.0.0.1:9/?key=0123456789abcdef"]) {
    await using api = await TestApi.open({ settings: { NCC_WALLET: url } });
    const { body } = await api.get("/wallets");
    assertEquals(body.data.map((one: { hook_url: unknown }) => one.hook_url), [null], url);
  }
});

Deno.test("a call has its invoice looked up at once: the order is paid without time passing", async () => {
  await using it = await scene({ NCC_PORT: "0" });
  const { api, server } = it;
  await api.start();
  const id = await api.order({
    payment: "quoting",
    fulfilment: "none",
    received_msat: 0,
    expires_at: api.clock.now() + 900_000,
  });
  await api.app.database.transaction((tx) =>
    enqueue(
      tx,
      { kind: "invoice.create", merchant: api.merchant, payload: { order_id: id } },
      api.clock.now(),
    )
  );
  const order = async () => (await api.get(`/orders/${id}`)).body;
  const until = async (payment: string, step: number) => {
    for (const end = Date.now() + 60_000; (await order()).payment !== payment;) {
      if (Date.now() > end) throw new Error(`still ${(await order()).payment}`);
      await api.clock.advance(step);
    }
  };
  await until("awaiting", 100);
  const [invoice] = (await order()).invoices;
  assertEquals(invoice.links.map(({ type }: { type: string }) => type), ["btc", "url"]);
  const [ref] = [...server.invoices.keys()];
  await server.pay(invoice.bolt11);
  const before = api.clock.now();
  assertEquals((await it.call(it.url, server.delivery("InvoiceSettled", ref!))).status, 204);
  await until("paid", 0);
  assertEquals(api.clock.now(), before);
});
