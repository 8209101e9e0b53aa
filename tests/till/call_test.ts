import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHmac } from "node:crypto";
import { Buffer } from "node:buffer";
import { RetryLater, type RunningJob } from "../../src/jobs/runner.ts";
import { apply } from "../../src/orders/apply.ts";
import { tillCallJob } from "../../src/till/call_job.ts";
import type { Fetched, WebQuestion } from "../../src/web/guarded_fetch.ts";
import { Till } from "./scene.ts";

interface Call {
  path: string;
  headers: Headers;
  body: string;
}

/** The program behind a till, with its own reading of Standard Webhooks. */
class Program implements AsyncDisposable {
  readonly calls: Call[] = [];
  /** What it answers next; 204 otherwise. */
  readonly answers: Response[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      const body = await request.text();
      this.calls.push({ path: new URL(request.url).pathname, headers: request.headers, body });
      return this.answers.shift() ?? new Response(null, { status: 204 });
    });
  }

  url(path = "/ncc/paid?key=hush"): string {
    return `http://127.0.0.1:${this.#server.addr.port}${path}`;
  }

  /** States in the order of the calls; each call proves itself by the secret. */
  states(secret: string): string[] {
    return this.calls.map(({ headers, body }) => {
      const [id, timestamp] = [headers.get("webhook-id"), headers.get("webhook-timestamp")];
      const key = Buffer.from(secret.replace("whsec_", ""), "base64");
      const mac = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
      assertEquals(headers.get("webhook-signature"), `v1,${mac}`);
      return JSON.parse(body).state;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

Deno.test("the program is called when a state changes: signed, and with nothing but what it is about", async () => {
  await using program = new Program();
  await using till = await Till.open({ invoices: { notify_url: program.url() } });
  assert(till.token.notify_secret.startsWith("whsec_"));
  const made = await till.invoice();
  await till.pays(made.bolt11);
  await till.until(() => program.calls.length === 2);
  assertEquals(program.states(till.token.notify_secret), ["open", "paid"]);
  const [, call] = program.calls;
  assertEquals(JSON.parse(call!.body), { id: made.id, reference: "cart-1", state: "paid" });
  assertEquals([call!.path, call!.headers.get("content-type")], ["/ncc/paid", "application/json"]);
  const age = till.clock.now() / 1000 - Number(call!.headers.get("webhook-timestamp"));
  assert(age >= 0 && age < 60, `${age}`);
  const { body: list } = await till.api.get("/tokens");
  assert(!JSON.stringify(list).includes(till.token.notify_secret));
  assertEquals(list.data[0].invoices.notify_url, program.url());
  // What leaves the state as it is isn't told, unless the merchant says so.
  await till.api.app.database.transaction((tx) =>
    apply(tx, made.id, { type: "noted", text: "Asked by phone." }, till.clock.now())
  );
  await till.clock.advance(5_000);
  assertEquals(program.calls.length, 2);
  await till.api.post(`/orders/${made.id}/resend`, {});
  await till.until(() => program.calls.length === 3);
  assertEquals(program.states(till.token.notify_secret).at(-1), "paid");
});

Deno.test("a call is repeated as the same until it is taken, whatever else the program answers", async () => {
  await using program = new Program();
  await using till = await Till.open({ invoices: { notify_url: program.url() } });
  program.answers.push(
    new Response("no", { status: 500 }),
    new Response(null, { status: 401 }),
    new Response(null, { status: 302, headers: { location: program.url("/elsewhere") } }),
  );
  await till.invoice();
  await till.until(() => program.calls.length === 4, 500);
  assertEquals(program.states(till.token.notify_secret), ["open", "open", "open", "open"]);
  assertEquals(new Set(program.calls.map(({ headers }) => headers.get("webhook-id"))).size, 1);
  assertEquals(new Set(program.calls.map(({ path }) => path)).size, 1);
  const times = program.calls.map(({ headers }) => Number(headers.get("webhook-timestamp")));
  assert(times[1]! - times[0]! >= 4 && times[3]! - times[2]! >= 19, `${times}`);
  await till.clock.advance(60_000);
  assertEquals(program.calls.length, 4);
});

Deno.test("what can't be called is told by a sentence without the URL's secrets", async () => {
  const program = new Program();
  const url = program.url();
  await program[Symbol.asyncDispose]();
  await using till = await Till.open({ invoices: { notify_url: url } });
  await till.invoice();
  const job = () =>
    till.api.app.database.kysely.selectFrom("jobs").select("last_error").where("kind", "=", "till.call")
      .executeTakeFirst();
  await till.until(async () => (await job())?.last_error !== null);
  const error = (await job())!.last_error!;
  assertEquals(error, `the till can't be called: ${new URL(url).host} can't be reached`);
});

Deno.test("who takes a token's place is called in its stead, and has its invoices; a revoked one is called no more", async () => {
  await using old = new Program();
  await using fresh = new Program();
  await using till = await Till.open({ invoices: { notify_url: old.url() } });
  const made = await till.invoice();
  await till.until(() => old.calls.length === 1);
  const invoices = { replaces: till.token.id, notify_url: fresh.url() };
  const next = await till.anotherToken({ invoices });
  assertEquals([next.invoices.till, next.notify_secret === till.token.notify_secret], [till.token.id, false]);
  await till.pays(made.bolt11);
  await till.until(() => fresh.calls.length === 1);
  assertEquals([fresh.states(next.notify_secret), old.calls.length], [["paid"], 1]);
  assertEquals((await till.ask("GET", `/${made.id}`, undefined, next.token)).body.state, "paid");
  const same = await till.ask("POST", "", { reference: "cart-1", amount_msat: "21000" }, next.token);
  assertEquals([same.status, same.body.id], [200, made.id]);

  for (const { id } of [till.token, next]) await till.api.ask("DELETE", `/api/v1/tokens/${id}`);
  await till.api.post(`/orders/${made.id}/resend`, {});
  await till.clock.advance(60_000);
  assertEquals([fresh.calls.length, old.calls.length], [1, 1]);
  const again = await till.anotherToken({ invoices: { replaces: next.id } });
  assertEquals((await till.ask("GET", `/${made.id}`, undefined, again.token)).status, 200);
  assertEquals(again.notify_secret, null);
});

Deno.test("a URL of our own network is the operator's to name; one merchant's people name public ones", async () => {
  await using till = await Till.open({ idle: true });
  const merchant = till.api.merchant;
  const bound = await till.anotherToken({ merchant, scopes: ["tokens:write", "invoices", "orders:read"] });
  const make = (notify_url: string, authorization?: string) =>
    till.api.post("/tokens", { name: "x", scopes: ["invoices"], invoices: { notify_url } }, {
      ...(authorization && { authorization }),
    });
  const theirs = `Bearer ${bound.token}`;
  for (
    const url of ["http://127.0.0.1:9/", "https://10.0.0.1/x", "https://localhost/x", "http://example.com/"]
  ) {
    const refused = await make(url, theirs);
    assertEquals([refused.status, refused.body.errors?.[0].pointer], [422, "/invoices/notify_url"], url);
  }
  assertEquals((await make("https://shop.example.com/paid", theirs)).status, 201);
  assertEquals((await make("http://127.0.0.1:9/")).status, 201);
  for (const url of ["ftp://example.com/", "paid", "https://ann:hush@example.com/", "javascript:alert(1)"]) {
    assertEquals((await make(url)).status, 422, url);
  }
  const rows = await till.api.app.database.kysely.selectFrom("tokens").select(["notify_url", "notify_inside"])
    .where("notify_url", "is not", null).orderBy("notify_inside").execute();
  assertEquals(rows.map((row) => row.notify_inside), [0, 1]);
  // Nobody takes over invoices whose orders they couldn't see.
  const replace = (id: string, authorization?: string) =>
    till.api.post("/tokens", {
      name: "x",
      scopes: ["invoices"],
      invoices: { replaces: id },
      ...(authorization === undefined && { merchant }),
    }, { ...(authorization && { authorization }) });
  assertEquals((await replace(bound.id, theirs)).body.code, "scope_missing");
  assertEquals((await replace(bound.id)).status, 201);
  assertEquals((await replace(till.token.id)).status, 422);
  assertEquals((await replace("none")).status, 422);
  const odd = await till.api.post("/tokens", { name: "x", scopes: ["orders:read"], invoices: {} });
  assertEquals([odd.status, odd.body.errors[0].pointer], [422, "/invoices"]);
});

Deno.test("what the operator hasn't named is called by the guarded way, without redirects", async () => {
  await using till = await Till.open({ idle: true });
  const { id } = (await till.ask("POST", "", { reference: "cart-1", amount_msat: "21000" })).body;
  const { database } = till.api.app;
  const url = "https://shop.example.com/paid";
  await database.transaction((tx) =>
    tx.updateTable("tokens").set({ notify_url: url, notify_inside: 0 }).execute()
  );
  const asked: [string, WebQuestion][] = [];
  const answers: Fetched[] = [
    { ok: false, trouble: "refused", reason: "shop.example.com: not a public address" },
    { ok: true, answer: { status: 307, url, type: null, body: new Uint8Array() } },
    { ok: true, answer: { status: 200, url, type: null, body: new Uint8Array() } },
  ];
  const web = {
    ask: (at: string, question: WebQuestion) => {
      asked.push([at, question]);
      return Promise.resolve(answers.shift()!);
    },
  };
  const secrets = { derive: () => "A".repeat(32) };
  const { run } = tillCallJob({ database, clock: till.clock, secrets, web })["till.call"]!;
  const job = (attempt: number, state = "open") =>
    ({
      payload: { order_id: id, seq: 7, state },
      attempt,
      signal: new AbortController().signal,
    }) as unknown as RunningJob;
  const later = async (attempt: number, why: string) =>
    (await assertRejects(() => run(job(attempt)), RetryLater, why) as RetryLater).delayMs;
  assertEquals(await later(1, "not a public address"), 5_000);
  assertEquals(await later(30, "shop.example.com answers HTTP 307"), 3_600_000);
  await run(job(3));
  assertEquals(asked.map(([at, { method, redirects }]) => [at, method, redirects]), [
    [url, "POST", 0],
    [url, "POST", 0],
    [url, "POST", 0],
  ]);
  assertEquals(asked[0]![1].headers!["webhook-id"], `${id}_7`);
  // What isn't a job of ours is a fault, and what is gone is nobody's.
  await assertRejects(() => run(job(1, "shipped")));
  await run({ ...job(1), payload: { order_id: "none", seq: 1, state: "open" } } as RunningJob);
  assertEquals(asked.length, 3);
});
