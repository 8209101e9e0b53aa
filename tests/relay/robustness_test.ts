import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
// @ts-types="@types/ws"
import { WebSocket as SlowSocket } from "ws";
import { EventStore } from "../../src/nostr/event_store.ts";
import type { RelayLimits } from "../../src/relay/limits.ts";
import type { ReadableStore } from "../../src/relay/reading.ts";
import { BuiltInRelay } from "../support/built_in_relay.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { recordingLog } from "../support/log.ts";

const limited = (limits: Partial<RelayLimits>) => BuiltInRelay.serve({ limits });

Deno.test("junk gets a NOTICE and the connection stays alive", async () => {
  await using relay = await BuiltInRelay.serve();
  await using client = await relay.connect();
  const deep = "[".repeat(60_000) + "]".repeat(60_000);
  const frames: (string | Uint8Array<ArrayBuffer>)[] = [
    "",
    "hello",
    '{"kind":1}',
    '["EVENT"]',
    '["EVENT",null]',
    '["REQ"]',
    '["REQ",5,{}]',
    '["REQ","",{}]',
    `["REQ","${"x".repeat(65)}",{}]`,
    '["CLOSE"]',
    '["NEG-OPEN","n",{},"00"]',
    '["__proto__"]',
    "\u0000",
    deep,
    "x".repeat(2 * 1024 * 1024),
    `["EVENT",{"content":"${"x".repeat(2 * 1024 * 1024)}"}]`,
    new Uint8Array([1, 2, 3]),
    new Uint8Array(2 * 1024 * 1024),
  ];
  for (const frame of frames) {
    client.raw(frame);
    const [, text] = await client.take((m) => m[0] === "NOTICE");
    assertMatch(text, typeof frame === "string" ? /^invalid: / : /^invalid: only text is taken/);
  }
  const event = relay.key().sign({});
  assertEquals(await client.publish(event), [true, ""]);
});

Deno.test("a valid event in a message that is too long isn't even parsed", async () => {
  await using relay = await BuiltInRelay.serve();
  await using client = await relay.connect();
  const event = relay.key().sign({ content: "x".repeat(200_000) });
  client.send("EVENT", event);
  assertMatch((await client.take((m) => m[0] === "NOTICE"))[1], /^invalid: the message is too long/);
  assertEquals(await client.query({ ids: [event.id] }), []);
});

Deno.test("an ephemeral event that comes twice is handed out once", async () => {
  await using relay = await BuiltInRelay.serve();
  await using client = await relay.connect();
  const key = relay.key();
  await client.subscribe("now", { kinds: [20_001] });
  const [twice, last] = [key.sign({ kind: 20_001 }), key.sign({ kind: 20_001, content: "last" })];
  for (const event of [twice, twice, last]) await client.publish(event);
  assertEquals([await client.live("now"), await client.live("now")], [twice, last]);
});

Deno.test("an event that is none is refused by its id, a bad filter by its subscription", async () => {
  await using relay = await BuiltInRelay.serve();
  await using client = await relay.connect();
  const event = relay.key().sign({});
  const broken = [
    { ...event, kind: "1" },
    { ...event, kind: 65_536 },
    { ...event, created_at: 1.5 },
    { ...event, created_at: -1 },
    { ...event, tags: [[1]] },
    { ...event, tags: "x" },
    { ...event, sig: event.sig.toUpperCase() },
    { ...event, content: "\ud800" },
    { id: event.id },
  ];
  for (const wrong of broken) {
    client.send("EVENT", wrong);
    const [, , accepted, reason] = await client.take((m) => m[0] === "OK" && m[1] === event.id);
    assertEquals(accepted, false);
    assertMatch(reason, /^invalid: /);
  }
  const filters = [
    { ids: ["abc"] },
    { kinds: ["1"] },
    { limit: -1 },
    { "#tag": ["x"] },
    { "#e": "x" },
    [],
    "x",
    null,
  ];
  for (const filter of filters) {
    client.send("REQ", "wrong", filter);
    const [, , reason] = await client.take((m) => m[0] === "CLOSED" && m[1] === "wrong");
    assertMatch(reason, /^invalid: /, JSON.stringify(filter));
  }
  assertEquals(await client.query({ search: "ignored", ids: null, limit: 5 } as never), []);
});

Deno.test("limits: subscriptions, filters, values, results", async () => {
  await using relay = await limited({ subscriptions: 2, filters: 2, filterValues: 3, results: 2 });
  await using client = await relay.connect();
  const key = relay.key();
  for (let n = 0; n < 4; n++) await client.publish(key.sign({ content: `${n}` }));
  assertEquals((await client.query({ kinds: [1] })).length, 2);
  assertEquals((await client.query({ kinds: [1], limit: 400 })).length, 2);
  for (const id of ["a", "b", "b"]) assertEquals((await client.subscribe(id, { kinds: [7] })).closed, null);
  assertMatch((await client.subscribe("c", { kinds: [7] })).closed!, /^rate-limited: /);
  client.send("CLOSE", "a");
  assertEquals((await client.subscribe("c", { kinds: [7] })).closed, null);
  assertMatch((await client.subscribe("c", {}, {}, {})).closed!, /^invalid: too many filters/);
  assertMatch((await client.subscribe("c", { kinds: [1, 2, 3, 4] })).closed!, /^invalid: /);
  assertMatch((await client.subscribe("c", { "#t": ["1", "2", "3", "4"] })).closed!, /^invalid: /);
});

Deno.test("limits: too many questions, then too much junk", async () => {
  await using relay = await limited({ questionsPerAddress: 2 });
  await using client = await relay.connect();
  await client.query({ kinds: [1] });
  await client.query({ kinds: [1] });
  assertStringIncludes((await assertRejects(() => client.query({ kinds: [1] }))).message, "rate-limited:");
  client.raw("junk");
  assertEquals((await client.closed()).code, 1008);
});

Deno.test("limits: connections of an address", async () => {
  await using relay = await limited({ connectionsPerAddress: 2 });
  {
    await using _first = await relay.connect();
    await using _second = await relay.connect();
    await assertRejects(() => relay.connect(), Error, "can't connect");
    assertEquals(relay.server.connections(), 2);
  }
  await using again = await relay.connect();
  assertEquals(await again.query({ kinds: [1] }), []);
});

Deno.test("the limits stand in the information document; other requests get a line of text", async () => {
  await using relay = await limited({ subscriptions: 7 });
  const url = relay.url.replace("ws", "http");
  const document = await (await fetch(url, { headers: { accept: "application/nostr+json" } })).json();
  assertEquals(document.limitation.max_subscriptions, 7);
  assertEquals([document.name, document.version, document.limitation.restricted_writes], [
    "Lamp shop",
    "1.2.3",
    false,
  ]);
  assertMatch(await (await fetch(url)).text(), /Nostr relay/);
  const options = await fetch(url, { method: "OPTIONS" });
  assertEquals([options.status, options.headers.get("access-control-allow-origin")], [204, "*"]);
  const post = await fetch(url, { method: "POST", body: "x" });
  assertEquals(post.status, 405);
  await post.body?.cancel();
});

Deno.test("thirty clients publish and listen at once: everybody hears every event once", async () => {
  await using relay = await BuiltInRelay.serve();
  const clients = await Promise.all(Array.from({ length: 30 }, () => relay.connect()));
  const events = clients.map((_, n) => relay.key().sign({ kind: 7, content: `${n}` }));
  await Promise.all(clients.map((client) => client.subscribe("all", { kinds: [7] })));
  const answers = await Promise.all(clients.map((client, n) => client.publish(events[n]!)));
  assert(answers.every(([accepted]) => accepted));
  for (const client of clients) {
    const heard = [];
    for (let n = 0; n < events.length; n++) heard.push((await client.live("all")).id);
    assertEquals(heard.sort(), events.map((event) => event.id).sort());
    assertEquals(client.heard((m) => m[0] === "EVENT"), []);
  }
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
});

Deno.test("an event that is committed while the stored ones are read comes once, whether the query saw it or not", async () => {
  for (const queryFirst of [true, false]) {
    await using database = await freshDatabase();
    const held = holdFirstQuery(new EventStore(database.kysely), queryFirst);
    await using relay = await BuiltInRelay.serve({ database, store: held.store });
    await using reader = await relay.connect();
    await using writer = await relay.connect();
    const key = relay.key();
    await writer.publish(key.sign({ content: "old" }));
    reader.send("REQ", "r", { authors: [key.pubkey] });
    await held.asked;
    assertEquals(await writer.publish(key.sign({ content: "new" })), [true, ""]);
    held.release();
    await reader.take((m) => m[0] === "EOSE");
    await writer.publish(key.sign({ content: "last" }));
    const contents = [];
    while (contents.at(-1) !== "last") contents.push((await reader.live("r")).content);
    assertEquals(contents.toSorted(), ["last", "new", "old"]);
  }
});

/** A store whose first query waits for `release`, before or after it has looked. */
function holdFirstQuery(store: EventStore, lookFirst: boolean) {
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let first = true;
  const held: ReadableStore = {
    count: (filters) => store.count(filters),
    query: async (filters, options) => {
      if (!first) return await store.query(filters, options);
      first = false;
      const early = lookFirst ? await store.query(filters, options) : undefined;
      asked.resolve();
      await released.promise;
      return early ?? await store.query(filters, options);
    },
  };
  return { store: held, asked: asked.promise, release: () => released.resolve() };
}

Deno.test("who doesn't read is dropped; the others go on", async () => {
  const { log, lines } = recordingLog();
  await using relay = await BuiltInRelay.serve({
    log,
    limits: { bufferedBytes: 100_000, bytesPerAddress: 1e9 },
  });
  await using client = await relay.connect();
  const slow = new SlowSocket(relay.url);
  await new Promise((resolve) => slow.once("open", resolve));
  slow.send(JSON.stringify(["REQ", "all", { kinds: [20_001] }]));
  await new Promise((resolve) =>
    slow.on("message", (data) => String(data).includes("EOSE") && resolve(null))
  );
  slow.pause();
  const key = relay.key();
  const dropped = () => lines.filter((line) => line.event === "relay.slow_reader").length;
  // The sockets' own buffers take some megabytes first.
  for (let n = 0; n < 400 && dropped() === 0; n++) {
    const event = key.sign({ kind: 20_001, content: `${n}`.padEnd(100_000, "x") });
    assertEquals((await client.publish(event))[0], true);
  }
  assertEquals(dropped(), 1);
  assertEquals((await client.publish(key.sign({})))[0], true);
  const gone = new Promise((resolve) => slow.once("close", resolve));
  slow.terminate();
  await gone;
});

Deno.test("close() ends every connection and refuses new ones", async () => {
  const relay = await BuiltInRelay.serve();
  const clients = await Promise.all([relay.connect(), relay.connect()]);
  await clients[0]!.subscribe("open", {});
  await relay.server.close();
  for (const client of clients) assertEquals((await client.closed()).code, 1001);
  assertEquals(relay.server.connections(), 0);
  await assertRejects(() => relay.connect(), Error, "can't connect");
  await relay[Symbol.asyncDispose]();
});
