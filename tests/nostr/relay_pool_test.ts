import { assert, assertEquals, assertThrows } from "@std/assert";
import { seconds, systemClock } from "../../src/clock.ts";
import { relayUrl } from "../../src/nostr/relay_url.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { directMessage, testPool, testSigner, until } from "../support/wire.ts";

const merchant = testSigner();
const now = seconds(systemClock.now());
const profile = (at: number, content: string) =>
  merchant.signEvent({ kind: 0, content, tags: [], created_at: at });

Deno.test("relayUrl() has one spelling for a relay", () => {
  const cases: [string, string | null][] = [
    ["wss://Relay.Example/", "wss://relay.example"],
    [" wss://relay.example:443//#x ", "wss://relay.example"],
    ["ws://127.0.0.1:7000/path/", "ws://127.0.0.1:7000/path"],
    ["wss://relay.example/?a=1", "wss://relay.example/?a=1"],
    ["https://relay.example", null],
    ["relay.example", null],
    ["", null],
  ];
  for (const [text, expected] of cases) assertEquals(relayUrl(text), expected);
});

Deno.test("query() merges relays to the newest versions, authentic ones only", async () => {
  await using one = await FakeRelay.start();
  await using two = await FakeRelay.start();
  await using pool = testPool();
  const [old, recent] = [await profile(now - 1, "old"), await profile(now, "recent")];
  one.events.push(old, { ...recent, content: "forged", created_at: now + 1 });
  two.events.push(recent);
  const filters = [{ kinds: [0], authors: [merchant.pubkey] }];
  assertEquals(await pool.query([one.url, two.url], filters, { timeoutMs: 1_000 }), [recent]);
});

Deno.test("queryEach() tells an empty relay from one that doesn't answer, within its deadline", async () => {
  await using empty = await FakeRelay.start();
  await using deaf = await FakeRelay.start({ deaf: true });
  await using closed = await FakeRelay.start({ closed: "restricted: members" });
  await using pool = testPool();
  const started = Date.now();
  const answers = await pool.queryEach([empty.url, deaf.url, closed.url], [{ kinds: [0] }], {
    timeoutMs: 200,
  });
  assert(Date.now() - started < 1_500);
  assertEquals(answers[0], { url: empty.url, ok: true, events: [] });
  assertEquals(answers.slice(1).map((a) => a.ok), [false, false]);
  assert(!answers[2]!.ok && answers[2]!.reason.includes("restricted: members"));
});

Deno.test("one relay is one connection, however it is spelt", async () => {
  await using relay = await FakeRelay.start();
  await using pool = testPool();
  const event = directMessage(merchant.pubkey, { at: now });
  await pool.publish(relay.url, event);
  await pool.publish(relay.url.toUpperCase().replace("WS:", "ws:") + "/", event);
  assertEquals([relay.connections, pool.status().length], [1, 1]);
  assertThrows(() => pool.link("nonsense"), TypeError);
});

Deno.test("relays that nobody uses are forgotten when there are many", async () => {
  await using relay = await FakeRelay.start();
  await using pool = testPool();
  for (let i = 0; i < 250; i++) pool.link(`ws://127.0.0.1:9/${i}`);
  assert(pool.status().length <= 200);
  await pool.publish(relay.url, directMessage(merchant.pubkey, { at: now }));
});

Deno.test("a frame of more than 1 MB ends the connection, and only that", async () => {
  await using relay = await FakeRelay.start();
  await using pool = testPool();
  const big = directMessage(merchant.pubkey, { at: now, text: "x".repeat(1_100_000) });
  relay.events.push(big);
  const [answer] = await pool.queryEach([relay.url], [{ kinds: [4] }], { timeoutMs: 1_000 });
  assertEquals(answer!.ok, false);
  assert(!answer!.ok && answer!.reason.includes("payload"));
  await until(() => pool.status()[0]!.state !== "connected");
  assertEquals((await pool.publish(relay.url, directMessage(merchant.pubkey, { at: now }))).ok, true);
});
