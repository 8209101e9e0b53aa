import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { MedusaClient } from "../../src/medusa/client.ts";
import { MedusaError, type MedusaErrorKind } from "../../src/medusa/medusa_error.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeMedusa, refusal } from "../support/fake_medusa.ts";
import { recordingLog, silentLog } from "../support/log.ts";
import { until } from "../support/wire.ts";

const anything = z.unknown();
const asOrder = { schema: anything, priority: "order" } as const;

Deno.test("a question goes out as it is meant, and the answer is what the schema makes of it", async () => {
  await using fake = new FakeMedusa();
  using shop = client(fake);
  fake.on("POST /admin/orders/*/cancel", { order: { id: "order_1", status: "canceled", more: 1 } });
  const answer = await shop.ask.post("/admin/orders/order_1/cancel", {
    schema: z.object({ order: z.object({ status: z.string().toUpperCase() }) }),
    priority: "order",
    query: { fields: "id,status", "id[]": ["a", "b"], limit: 5, deep: true, no: undefined },
    body: { note: "für" },
  });
  assertEquals(answer, { order: { status: "CANCELED" } });
  const [asked] = fake.asked;
  assertEquals([asked!.method, asked!.path, asked!.body], ["POST", "/admin/orders/order_1/cancel", {
    note: "für",
  }]);
  const query = [["fields", "id,status"], ["id[]", "a"], ["id[]", "b"], ["limit", "5"], ["deep", "true"]];
  assertEquals([...asked!.query], query);
  fake.on("DELETE /admin/reservations/*", { deleted: true });
  await shop.ask.delete("/admin/reservations/resitem_1", asOrder);
  await shop.ask.get("/admin/stores", asOrder);
  assertEquals(fake.asked.map(({ method }) => method), ["POST", "DELETE", "GET"]);
});

Deno.test("Medusa may stand in a folder of its host", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => Response.json({ path: new URL(request.url).pathname }),
  );
  const url = `http://127.0.0.1:${server.addr.port}/back/office`;
  const ask = MedusaClient.create({ url, key: "sk_1" }, { clock: new FakeClock(), log: silentLog });
  const schema = z.object({ path: z.string() });
  assertEquals(
    (await ask.get("/admin/stores", { schema, priority: "order" })).path,
    "/back/office/admin/stores",
  );
  ask.close();
});

Deno.test("one logs in for all, and again shortly before the token ends", async () => {
  await using fake = new FakeMedusa();
  using shop = client(fake);
  const all = () => Promise.all([1, 2, 3, 4].map(() => shop.ask.get("/admin/stores", asOrder)));
  await all();
  await shop.clock.advance(86_400_000 - 301_000);
  await all();
  assertEquals(fake.logins, 1);
  await shop.clock.advance(1_000);
  await all();
  assertEquals(fake.logins, 2);
  // Of a short one a tenth is spared.
  fake.tokenSeconds = 100;
  fake.logOut();
  await all();
  await shop.clock.advance(89_000);
  await all();
  assertEquals(fake.logins, 3);
  await shop.clock.advance(1_000);
  await all();
  assertEquals(fake.logins, 4);
  assert(fake.asked.every(({ authorization }) => authorization!.startsWith("Bearer ")));
});

Deno.test("who isn't known any more logs in anew, once for all, and what was asked is asked once more", async () => {
  await using fake = new FakeMedusa();
  using shop = client(fake);
  await shop.ask.get("/admin/stores", asOrder);
  fake.logOut();
  fake.asked.length = 0;
  fake.on("POST /admin/draft-orders", { draft_order: {} });
  await Promise.all([1, 2, 3].map(() => shop.ask.post("/admin/draft-orders", { ...asOrder, body: {} })));
  assertEquals(fake.logins, 2);
  // The two that were under way were refused first.
  assertEquals(fake.asked.length, 5);
  assertEquals(shop.ask.status().fault, null);
});

Deno.test("who is told late that it isn't known any more doesn't log out who has logged in since", async () => {
  await using fake = new FakeMedusa();
  using shop = client(fake);
  await shop.ask.get("/admin/stores", asOrder);
  fake.logOut();
  const late = Promise.withResolvers<void>();
  fake.on("GET /admin/orders", {});
  fake.fail("GET /admin/orders", late.promise);
  const asking = shop.ask.get("/admin/orders", asOrder);
  await until(() => fake.running === 1);
  await shop.ask.get("/admin/stores", asOrder);
  late.resolve();
  await asking;
  assertEquals(fake.logins, 2);
});

Deno.test("who is never let in asks twice, and no more", async () => {
  await using fake = new FakeMedusa();
  fake.unwelcome = true;
  for (const given of ["user", "key"] as const) {
    using shop = client(fake, given);
    fake.logins = fake.asked.length = 0;
    const error = await failure(shop.ask.post("/admin/draft-orders", { ...asOrder, body: {} }));
    assertEquals([error.kind, error.status, error.temporary], ["unauthorized", 401, false]);
    assertEquals([fake.logins, fake.asked.length], given === "user" ? [2, 2] : [0, 1]);
    assertEquals(shop.ask.status().fault?.kind, "unauthorized");
  }
});

Deno.test("a key is there for when the user isn't taken, and the user is tried again later", async () => {
  await using fake = new FakeMedusa();
  using shop = client(fake, "both");
  fake.loginAnswer = () => refusal(401, "unauthorized", "Invalid email or password");
  const who = async () => {
    await shop.ask.get("/admin/stores", asOrder);
    return fake.asked.at(-1)!.authorization!.split(" ")[0];
  };
  assertEquals(await who(), "Basic");
  assertEquals(shop.lines.map(({ event }) => event), ["medusa.user_refused"]);
  await shop.clock.advance(599_000);
  assertEquals([await who(), fake.logins], ["Basic", 1]);
  fake.loginAnswer = null;
  await shop.clock.advance(1_000);
  assertEquals([await who(), fake.logins], ["Bearer", 2]);
});

/** What logging in answers, and what that makes of a call that changes something. */
const LOGINS: [what: string, answer: (() => Response) | "lost", kind: MedusaErrorKind, says: string][] = [
  [
    "a wrong password",
    () => refusal(401, "unauthorized", "Invalid"),
    "unauthorized",
    "the e-mail and the password",
  ],
  ["a refusal of another kind", () => refusal(400, "invalid_data", "no"), "unauthorized", "emailpass: no"],
  [
    "a second factor",
    () => Response.json({ token: "t", mfa_required: true }),
    "unauthorized",
    "second factor",
  ],
  [
    "an unverified user",
    () => Response.json({ token: "t", verification_required: true }),
    "unauthorized",
    "verified",
  ],
  ["no Medusa", () => new Response("<html>", { status: 404 }), "unreachable", "no such thing to ask"],
  ["no token", () => Response.json({ location: "https://elsewhere" }), "unreachable", "token"],
  ["a fault of Medusa's", () => refusal(500, "unknown_error", "x"), "busy", "HTTP 500"],
  ["too much", () => refusal(429, "x", "x"), "busy", "429"],
  ["nothing whole", "lost", "unreachable", "broke"],
];

Deno.test("what goes wrong while logging in leaves open nothing, and refuses nothing, of what was to be done", async () => {
  for (const [what, answer, kind, says] of LOGINS) {
    await using fake = new FakeMedusa();
    using shop = client(fake);
    if (answer === "lost") fake.fail("POST /auth/user/emailpass", "lost");
    else fake.loginAnswer = answer;
    const error = await failure(shop.ask.post("/admin/draft-orders", { ...asOrder, body: {} }));
    assertEquals([error.kind, error.mayHaveHappened], [kind, false], what);
    assertStringIncludes(error.message, says, what);
    assertEquals(fake.asked, [], what);
  }
});

/** What is answered, and what it means of a question, and of a change. */
const ANSWERS: [
  what: string,
  answer: () => Response,
  asked: MedusaErrorKind,
  changed: MedusaErrorKind,
  says: string,
][] = [
  [
    "gone",
    () => refusal(404, "not_found", "Order id not found: order_9"),
    "not_found",
    "not_found",
    "order_9",
  ],
  ["short", () => refusal(400, "not_allowed", "Not enough stock"), "refused", "refused", "Not enough stock"],
  ["conflict", () => refusal(409, "conflict", "c"), "refused", "refused", ": c"],
  ["twice", () => refusal(422, "duplicate", "d"), "refused", "refused", ": d"],
  ["forbidden", () => refusal(403, "forbidden", "f"), "unauthorized", "unauthorized", "403"],
  ["fault", () => refusal(500, "unknown_error", "An unknown error"), "busy", "no_answer", "HTTP 500"],
  ["gateway", () => new Response("<html>", { status: 502 }), "busy", "no_answer", "HTTP 502"],
  ["too much", () => refusal(429, "x", "x"), "busy", "busy", "429"],
  ["moved", () => new Response(null, { status: 301 }), "bad_answer", "bad_answer", "elsewhere"],
  [
    "another shape",
    () => Response.json({ order: { id: 7 } }),
    "bad_answer",
    "bad_answer",
    "order.id: Invalid input",
  ],
  ["no JSON", () => new Response("hello"), "bad_answer", "bad_answer", "its answer"],
];

Deno.test("each answer has its meaning; a fault leaves open whether a change was made", async () => {
  await using fake = new FakeMedusa();
  using shop = client(fake);
  const schema = z.object({ order: z.object({ id: z.string() }) });
  const question = { schema, priority: "order" } as const;
  for (const [what, answer, asked, changed, says] of ANSWERS) {
    fake.on("GET /admin/orders/*", answer);
    fake.on("POST /admin/orders/*", answer);
    const get = await failure(shop.ask.get("/admin/orders/order_9", question));
    const post = await failure(shop.ask.post("/admin/orders/order_9", { ...question, body: {} }));
    const safe = await failure(shop.ask.post("/admin/orders/order_9", { ...question, body: {}, safe: true }));
    assertEquals([get.kind, post.kind, safe.kind], [asked, changed, asked], what);
    for (const one of [get, post]) assertStringIncludes(one.message, says, what);
    assertStringIncludes(post.message, "POST /admin/orders/…");
    assertEquals(post.temporary, ["busy", "no_answer"].includes(changed), what);
    assertEquals(post.mayHaveHappened, ["no_answer", "bad_answer"].includes(changed), what);
  }
  fake.on("GET /admin/orders/*", () => refusal(400, "not_allowed", "x"));
  assertEquals((await failure(shop.ask.get("/admin/orders/order_9", question))).type, "not_allowed");
});

Deno.test("an answer that breaks off may be of something done; no connection is of nothing", async () => {
  const fake = new FakeMedusa();
  let drafts = 0;
  fake.on("POST /admin/draft-orders", () => ({ draft_order: { id: `order_${++drafts}` } }));
  using shop = client(fake);
  await shop.ask.get("/admin/stores", asOrder);
  fake.fail("POST /admin/draft-orders", "lost");
  const lost = await failure(shop.ask.post("/admin/draft-orders", { ...asOrder, body: {} }));
  assertEquals([lost.kind, drafts], ["no_answer", 1]);
  await fake[Symbol.asyncDispose]();
  const away = await failure(shop.ask.post("/admin/draft-orders", { ...asOrder, body: {} }));
  assertEquals([away.kind, away.mayHaveHappened], ["unreachable", false]);
});

Deno.test("what isn't answered in time may have happened, and its room is free again", async () => {
  await using fake = new FakeMedusa();
  using shop = client(fake);
  await shop.ask.get("/admin/stores", asOrder);
  const slow = Promise.withResolvers<void>();
  fake.on("POST /admin/draft-orders", {});
  fake.fail("POST /admin/draft-orders", slow.promise, slow.promise);
  const asking = [1, 2].map(() =>
    failure(shop.ask.post("/admin/draft-orders", { ...asOrder, body: {}, answerMs: 9_000 }))
  );
  await until(() => fake.running === 2);
  await shop.clock.advance(8_999);
  assertEquals(shop.ask.status().fault, null);
  await shop.clock.advance(1);
  assertEquals((await Promise.all(asking)).map(({ kind }) => kind), ["no_answer", "no_answer"]);
  await shop.ask.get("/admin/stores", asOrder);
  slow.resolve();
});

Deno.test("two calls are under way at most, and those for orders go first", async () => {
  await using fake = new FakeMedusa();
  using shop = client(fake);
  await shop.ask.get("/admin/stores", asOrder);
  fake.asked.length = fake.mostRunning = 0;
  const first = Promise.withResolvers<void>();
  fake.on("GET /admin/x/*", {});
  fake.fail("GET /admin/x/*", first.promise, first.promise);
  const ask = (name: string, priority: "order" | "catalogue") =>
    shop.ask.get(`/admin/x/${name}`, { schema: anything, priority });
  const running = [ask("a", "catalogue"), ask("b", "catalogue")];
  await until(() => fake.running === 2);
  for (const name of ["c1", "c2", "c3"]) running.push(ask(name, "catalogue"));
  for (const name of ["o1", "o2", "o3"]) running.push(ask(name, "order"));
  first.resolve();
  await Promise.all(running);
  const order = fake.asked.map(({ path }) => path.split("/").at(-1)!);
  // Of two that go out at once either may come first.
  const before = (one: string, other: string) =>
    assert(order.indexOf(one) < order.indexOf(other), `${order}`);
  before("o1", "c1");
  before("o2", "c1");
  before("o3", "c2");
  assertEquals(order.length, 8);
  assertEquals(fake.mostRunning, 2);
});

Deno.test("who gives up waiting was never asked for, and says nothing about Medusa", async () => {
  await using fake = new FakeMedusa();
  using shop = client(fake);
  await shop.ask.get("/admin/stores", asOrder);
  const slow = Promise.withResolvers<void>();
  fake.fail("GET /admin/stores", slow.promise, slow.promise);
  const running = [1, 2].map(() => shop.ask.get("/admin/stores", asOrder));
  await until(() => fake.running === 2);
  const enough = new AbortController();
  const waiting = failure(
    shop.ask.post("/admin/draft-orders", { ...asOrder, body: {}, signal: enough.signal }),
  );
  enough.abort();
  assertEquals((await waiting).kind, "unreachable");
  const late = failure(shop.ask.post("/admin/draft-orders", { ...asOrder, body: {}, signal: enough.signal }));
  assertEquals((await late).kind, "unreachable");
  slow.resolve();
  await Promise.all(running);
  assert(fake.asked.every(({ method }) => method === "GET"));

  const held = Promise.withResolvers<void>();
  fake.fail("POST /admin/draft-orders", held.promise);
  const under = new AbortController();
  const question = { ...asOrder, body: {}, signal: under.signal };
  const given = failure(shop.ask.post("/admin/draft-orders", question));
  await until(() => fake.running === 1);
  under.abort();
  assertEquals((await given).kind, "no_answer");
  assertEquals(shop.ask.status().fault, null);
  held.resolve();
});

Deno.test("the store is asked by its key, and as nobody", async () => {
  await using fake = new FakeMedusa();
  using shop = client(fake);
  fake.on("GET /store/products", { products: [], count: 0 });
  await shop.ask.get("/store/products", { ...asOrder, storeKey: fake.storeKey });
  assertEquals([fake.asked[0]!.authorization, fake.asked[0]!.storeKey], [null, fake.storeKey]);
  const error = await failure(shop.ask.get("/store/products", { ...asOrder, storeKey: "pk_of_nobody" }));
  assertEquals([error.kind, error.type, fake.logins], ["refused", "not_allowed", 0]);
});

Deno.test("neither errors nor lines hold secrets or customers' addresses", async () => {
  await using fake = new FakeMedusa();
  using shop = client(fake, "both");
  const messages: string[] = [];
  const says =
    `user ${fake.email} of ${fake.key} ${fake.storeKey} buyer@example.org, password=${fake.password}`;
  fake.on("GET /admin/orders/*", () => refusal(400, "invalid_data", says));
  fake.on("GET /admin/odd", () => Response.json({ [fake.password]: "buyer@example.org" }));
  fake.loginAnswer = () => refusal(401, "unauthorized", says);
  const question = {
    priority: "order",
    schema: z.object({ order: z.string() }),
    query: { q: "buyer@example.org" },
  } as const;
  for (const path of ["/admin/orders/order_1", "/admin/odd"]) {
    messages.push((await failure(shop.ask.get(path, question))).message);
  }
  fake.unwelcome = true;
  messages.push((await failure(shop.ask.get("/admin/odd", question))).message);
  const said = [...messages, JSON.stringify(shop.lines), JSON.stringify(shop.ask.status())].join("\n");
  assertStringIncludes(said, "user");
  for (const secret of [fake.email, fake.password, fake.key, fake.storeKey, "buyer", "Bearer", "Basic"]) {
    assert(!said.includes(secret), `${secret} in ${said}`);
  }
});

Deno.test("how Medusa is follows from how calls end", async () => {
  await using fake = new FakeMedusa();
  using shop = client(fake);
  const status = () => shop.ask.status();
  const get = (path: string) => shop.ask.get(path, asOrder).catch((error) => error);
  assertEquals(status(), { goodAt: null, fault: null, odd: [], p50Ms: null });
  await get("/admin/stores");
  assertEquals([status().goodAt, status().fault], [shop.clock.now(), null]);
  await shop.clock.advance(5_000);
  fake.fail("GET /admin/stores", 500);
  await get("/admin/stores");
  assertEquals([status().goodAt, status().fault?.kind, status().fault?.at], [
    shop.clock.now() - 5_000,
    "busy",
    shop.clock.now(),
  ]);
  // A no is an answer.
  fake.on("GET /admin/orders/*", () => refusal(404, "not_found", "no"));
  await get("/admin/orders/order_1");
  assertEquals(status().fault, null);
  // What isn't understood is remembered until it is, or nobody asks for it any more.
  await get("/admin/nothing");
  fake.fail("GET /admin/orders/*", 403);
  await get("/admin/orders/order_1");
  await get("/admin/stores");
  assertEquals(status().odd.map(({ route, kind }) => [route, kind]), [
    ["GET /admin/nothing", "bad_answer"],
    ["GET /admin/orders/…", "unauthorized"],
  ]);
  await get("/admin/orders/order_2");
  assertEquals(status().odd.map(({ route }) => route), ["GET /admin/nothing"]);
  await shop.clock.advance(3_601_000);
  assertEquals(status().odd, []);
});

Deno.test("how long it takes is the median of recent calls", async () => {
  await using fake = new FakeMedusa();
  using shop = client(fake);
  await shop.ask.get("/admin/stores", asOrder);
  const takes = async (ms: number) => {
    const slow = Promise.withResolvers<void>();
    fake.fail("GET /admin/stores", slow.promise);
    const asking = shop.ask.get("/admin/stores", asOrder);
    await until(() => fake.running === 1);
    await shop.clock.advance(ms);
    slow.resolve();
    await asking;
  };
  for (const ms of [3_000, 10, 5_000]) await takes(ms);
  assertEquals(shop.ask.status().p50Ms, null);
  await takes(4_000);
  assertEquals(shop.ask.status().p50Ms, 3_000);
  await shop.clock.advance(601_000);
  assertEquals(shop.ask.status().p50Ms, null);
});

type Given = "user" | "key" | "both";

function client(fake: FakeMedusa, given: Given = "user") {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const access = {
    url: fake.url,
    ...(given !== "key" && { email: fake.email, password: fake.password }),
    ...(given !== "user" && { key: fake.key }),
  };
  const ask = MedusaClient.create(access, { clock, log });
  const notable = () => lines.filter(({ level }) => level !== "debug");
  return {
    ask,
    clock,
    get lines() {
      return notable();
    },
    [Symbol.dispose]: () => ask.close(),
  };
}

async function failure(asking: Promise<unknown>): Promise<MedusaError> {
  const error = await asking.then(() => new Error("it went well"), (error) => error);
  assert(error instanceof MedusaError, String(error));
  return error;
}
