import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createRequire } from "node:module";
import meta from "../../deno.json" with { type: "json" };
import { callHeaders, whoseCall } from "../../src/till/signature.ts";

/*
 * The parts of our plugin for Medusa that stand on nothing of Medusa's. As a whole it is tried in a real one (tests/real/medusa).
 */
const require = createRequire(import.meta.url);
const LIB = "../../src/medusa/plugin/.medusa/server/src/lib";
const { readOptions } = require(`${LIB}/options.js`) as {
  readOptions(options: unknown, how: { payments: boolean }): Record<string, unknown>;
};
const signature = require(`${LIB}/signature.js`) as {
  callHeaders: typeof callHeaders;
  isSigned(secret: string, call: { headers: Record<string, unknown>; raw: Uint8Array; now: number }): boolean;
};
const { NccClient } = require(`${LIB}/ncc_client.js`) as {
  NccClient: new (o: { url: string; token: string }) => {
    ask(wish: object): Promise<{ id: string }>;
    read(id: string): Promise<{ id: string } | null>;
    find(reference: string): Promise<{ id: string } | null>;
    since(at: number): Promise<Map<string, { id: string }>>;
    refund(id: string, wish: object): Promise<{ id: string }>;
  };
};

Deno.test("the plugin has ncc's version", () => {
  assertEquals(require("../../src/medusa/plugin/package.json").version, meta.version);
});

const TOKEN = `ncc_${"a".repeat(12)}_${"b".repeat(43)}`;
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const EVENTS = "what the plugin signs its events with";
const ALL = { url: "https://ncc.example/", token: TOKEN, secret: SECRET, events_secret: EVENTS };

Deno.test("the plugin's options are for payments, for news, or for both", () => {
  const read = {
    url: "https://ncc.example",
    token: TOKEN,
    secret: SECRET,
    eventsSecret: EVENTS,
    cancelExpired: false,
  };
  assertEquals(readOptions({ ...ALL, database: {} }, { payments: true }), read);
  const { events_secret: _, ...payments } = ALL;
  assertEquals(readOptions(payments, { payments: true }), { ...read, eventsSecret: null });
  const { token: __, secret: ___, ...news } = ALL;
  assertEquals(readOptions(news, { payments: false }), { ...read, token: null, secret: null });
});

const wrong: [object | undefined, boolean, ...string[]][] = [
  [undefined, true, "`url`", "`token`", "`secret`"],
  [{ url: ALL.url }, false, "name `token` and `secret`"],
  [{ ...ALL, url: "ncc.example" }, true, "`url`"],
  [{ ...ALL, url: "ftp://ncc.example" }, true, "`url`"],
  [{ ...ALL, url: "https://me:pass@ncc.example" }, true, "`url`"],
  [{ ...ALL, token: "sk_123" }, true, "`token`"],
  [{ ...ALL, token: undefined }, false, "`token`"],
  [{ ...ALL, secret: EVENTS }, true, "`secret`"],
  [{ ...ALL, events_secret: "short" }, true, "`events_secret`"],
  [{ ...ALL, events_secret: `whsec_${"!".repeat(32)}` }, true, "`events_secret`"],
  [{ ...ALL, cancel_expired: "yes" }, true, "`cancel_expired`"],
];
for (const [options, payments, ...told] of wrong) {
  Deno.test(`what is wrong with ${JSON.stringify(options)} is told`, () => {
    const { message } = assertThrows(() => readOptions(options, { payments }), Error);
    for (const one of told) assert(message.includes(one), message);
    for (const secret of [TOKEN, SECRET, EVENTS, "sk_123", "me:pass"]) {
      assert(!message.includes(secret), message);
    }
  });
}

const NOW = 1_800_000_000_000;
const BODY = '{"event":"ä"}';
const RAW = new TextEncoder().encode(BODY);

for (const secret of [SECRET, EVENTS]) {
  Deno.test(`plugin and ncc sign alike with ${secret}`, () => {
    const call = { id: "msg_1", at: NOW, body: BODY };
    assertEquals(signature.callHeaders(secret, call), callHeaders(secret, call));
    const headers = signature.callHeaders(secret, call);
    assert(whoseCall(secret, { headers: new Headers(headers), raw: RAW, now: NOW }).ok);
    const signed = (change: Record<string, unknown> = {}, at = NOW, raw = RAW) =>
      signature.isSigned(secret, {
        headers: { ...callHeaders(secret, { ...call, at }), ...change },
        raw,
        now: NOW,
      });
    assert(signed());
    assert(signed({}, NOW - 300_000) && signed({}, NOW + 300_000));
    assertEquals([signed({}, NOW - 301_000), signed({}, NOW + 301_000)], [false, false]);
    assertEquals(signed({}, NOW, RAW.slice(1)), false);
    assertEquals(signed({ "webhook-id": "msg_2" }), false);
    assert(signed({ "webhook-signature": `v1,x ${headers["webhook-signature"]}` }));
    assertEquals(
      signed({ "webhook-signature": `${"v1,x ".repeat(5)}${headers["webhook-signature"]}` }),
      false,
    );
    for (const name of Object.keys(headers)) {
      for (const bad of [undefined, "", "x", ["x"]]) {
        assertEquals(signed({ [name]: bad }), false, `${name} ${bad}`);
      }
    }
  });
}

const INVOICE = {
  id: "i1",
  reference: "payses_1",
  state: "open",
  amount: "10.5",
  currency: "EUR",
  amount_msat: "1000",
  refunds: [],
  created_at: new Date(NOW).toISOString(),
};

/** An ncc that answers as it is told to; `asked` are the requests. */
function fakeNcc(answer: (request: Request, body: unknown) => Response) {
  const asked: { line: string; body: unknown; authorization: string | null }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    const body = text === "" ? null : JSON.parse(text);
    const authorization = request.headers.get("authorization");
    asked.push({ line: `${request.method} ${pathname}${search}`, body, authorization });
    return answer(request, body);
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    asked,
    client: new NccClient({ url, token: TOKEN }),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("an invoice is asked for by the session's id, with the token", async () => {
  await using ncc = fakeNcc(() => Response.json(INVOICE, { status: 201 }));
  const wish = { reference: "payses_1", amount: "10.5", currency: "eur", description: "Medusa" };
  assertEquals((await ncc.client.ask(wish)).id, "i1");
  assertEquals(ncc.asked, [{ line: "POST /api/v1/invoices", body: wish, authorization: `Bearer ${TOKEN}` }]);
});

const troubles: [string, () => Response, object][] = [
  [
    "a refusal",
    () =>
      Response.json({ detail: "Too much.", errors: [{ pointer: "/amount", detail: "x" }] }, { status: 422 }),
    { kind: "refused", status: 422, pointers: ["/amount"] },
  ],
  ["a page of a proxy", () => new Response("<h1>Bad gateway", { status: 502 }), {
    kind: "unreachable",
    status: 502,
  }],
  ["too many requests", () => Response.json({ detail: "Wait." }, { status: 429 }), { kind: "unreachable" }],
  ["another server", () => new Response("hello"), { kind: "bad_answer" }],
  ["an older ncc", () => Response.json({ ...INVOICE, refunds: undefined }), { kind: "bad_answer" }],
  [
    "a way elsewhere",
    () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:1/" } }),
    { kind: "refused", status: 302 },
  ],
];
for (const [what, answer, expected] of troubles) {
  Deno.test(`${what} in place of an invoice is told as what it is`, async () => {
    await using ncc = fakeNcc(answer);
    const error = await assertRejects(() => ncc.client.ask({ reference: "payses_1" }), Error);
    assertEquals({ ...error, ...expected }, { ...error });
    assert(!error.message.includes(TOKEN), error.message);
  });
}

Deno.test("an ncc that isn't there is told as that", async () => {
  const client = new NccClient({ url: "http://127.0.0.1:1", token: TOKEN });
  const error = await assertRejects(() => client.read("i1"), Error, "ncc at 127.0.0.1:1 can't be reached");
  assertEquals((error as Error & { kind: string }).kind, "unreachable");
});

Deno.test("an invoice that isn't there is none", async () => {
  await using ncc = fakeNcc(({ method, url }) =>
    method === "GET" && url.includes("?")
      ? Response.json({ data: [], next_cursor: null })
      : Response.json({ detail: "There is no invoice." }, { status: 404 })
  );
  assertEquals(await ncc.client.read("../tokens"), null);
  assertEquals(await ncc.client.find("a&b"), null);
  const lines = ["GET /api/v1/invoices/..%2Ftokens", "GET /api/v1/invoices?reference=a%26b"];
  assertEquals(ncc.asked.map((one) => one.line), lines);
});

Deno.test("the newest invoices are read until they are older than wanted", async () => {
  const page = (n: number) => ({
    data: [{ ...INVOICE, reference: `payses_${n}`, created_at: new Date(NOW - n * 1_000).toISOString() }],
    next_cursor: n === 3 ? null : `${n + 1}`,
  });
  await using ncc = fakeNcc(({ url }) =>
    Response.json(page(Number(new URL(url).searchParams.get("cursor") ?? 0)))
  );
  assertEquals([...(await ncc.client.since(NOW - 1_500)).keys()], ["payses_0", "payses_1", "payses_2"]);
  assertEquals([...(await ncc.client.since(0)).keys()].length, 4);
});

Deno.test("a refund to a place that ncc doesn't take is given back by hand", async () => {
  await using ncc = fakeNcc((_, body) =>
    (body as { destination?: string }).destination === undefined
      ? Response.json(INVOICE)
      : Response.json({ detail: "No.", errors: [{ pointer: "/destination" }] }, { status: 422 })
  );
  await ncc.client.refund("i1", { reference: "ref_1", amount: "1", destination: "me@nowhere.example" });
  assertEquals(ncc.asked.map((one) => (one.body as { destination?: string }).destination), [
    "me@nowhere.example",
    undefined,
  ]);
});
