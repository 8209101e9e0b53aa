import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { BunkerKeys, BunkerSilentError } from "../../src/app/bunker_keys.ts";
import { KeyError } from "../../src/app/merchant_key.ts";
import { systemClock } from "../../src/clock.ts";
import { parseBunkerUrl } from "../../src/nostr/bunker/bunker_url.ts";
import { SecretBox } from "../../src/nostr/sealed_secrets.ts";
import { loadVerifier } from "../../src/nostr/verify.ts";
import { systemRandom } from "../../src/random.ts";
import { Bunker } from "../support/bunker.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { recordingLog } from "../support/log.ts";
import { until } from "../support/wire.ts";

const crypto = await loadVerifier();

async function scene(o: Parameters<typeof Bunker.start>[1] = {}, firstContactMs = 5_000) {
  const socket = globalThis.WebSocket;
  const relay = await FakeRelay.start();
  const bunker = await Bunker.start(relay.url, o);
  const database = await freshDatabase();
  const { log, lines } = recordingLog();
  const read = parseBunkerUrl(bunker.url);
  if (!read.ok) throw new Error(read.reason);
  const pages: string[] = [];
  const keys = () =>
    new BunkerKeys({
      database,
      secrets: new SecretBox(new Uint8Array(32).fill(7), systemRandom),
      crypto,
      clock: systemClock,
      random: systemRandom,
      log,
      onAuthUrl: (url) => pages.push(url),
      firstContactMs,
    });
  return {
    relay,
    bunker,
    url: read.bunker,
    keys,
    lines,
    pages,
    async [Symbol.asyncDispose]() {
      await bunker[Symbol.asyncDispose]();
      await relay.stop();
      await database[Symbol.asyncDispose]();
      globalThis.WebSocket = socket;
    },
  };
}

Deno.test("a signer is connected once; from then on it may sleep at every start", async () => {
  await using s = await scene();
  const first = await s.keys().session(s.url);
  assertEquals(first.pubkey, s.bunker.merchant.pubkey);
  s.bunker.is.asleep = true;
  assertEquals(await s.keys().session(s.url), first);
  assertEquals([s.bunker.count("connect"), s.bunker.clients.size], [1, 1]);
});

Deno.test("several processes are one client, also when they start at once for the first time", async () => {
  await using s = await scene();
  const both = await Promise.all([s.keys().session(s.url), s.keys().session(s.url)]);
  assertEquals(both[0], both[1]);
  assertEquals(s.bunker.clients.size, 1);
});

Deno.test("a signer that sleeps at the first contact is named, with what to do", async () => {
  await using s = await scene({ is: { asleep: true } }, 300);
  const { message } = await assertRejects(() => s.keys().session(s.url), BunkerSilentError);
  assertMatch(message, /must answer once.*Open it/s);
  s.bunker.is.asleep = false;
  assertEquals((await s.keys().session(s.url)).pubkey, s.bunker.merchant.pubkey);
});

Deno.test("whoever is asked to end doesn't wait for the signer", async () => {
  await using s = await scene({ is: { asleep: true } }, 60_000);
  const stopped = new AbortController();
  const began = performance.now();
  const waiting = assertRejects(() => s.keys().session(s.url, stopped.signal), BunkerSilentError);
  setTimeout(() => stopped.abort(), 50);
  await waiting;
  assert(performance.now() - began < 10_000);
});

Deno.test("a page to open is told, and its approval waited for", async () => {
  await using s = await scene({ is: { authUrl: "https://bunker.example/ok" } });
  const waiting = s.keys().session(s.url);
  await until(() => s.pages.length > 0);
  s.bunker.approve();
  assertEquals((await waiting).pubkey, s.bunker.merchant.pubkey);
  assertEquals(s.pages[0], "https://bunker.example/ok");
});

Deno.test("a secret that somebody else used is refused with the remedy; the address isn't quoted", async () => {
  await using s = await scene();
  await s.keys().session(s.url);
  await using other = await scene();
  const { message } = await assertRejects(() => other.keys().session(s.url), KeyError);
  assertMatch(message, /"wrong secret".*make a new bunker:/s);
  assert(!message.includes(s.bunker.secret!) && !JSON.stringify(other.lines).includes(s.bunker.secret!));
});

Deno.test("a signer that let us in and whose answer got lost knows us by our key", async () => {
  await using s = await scene({ is: { asleep: true } }, 300);
  await assertRejects(() => s.keys().session(s.url), BunkerSilentError);
  s.bunker.clients.add(s.relay.events.find((event) => event.pubkey !== s.bunker.pubkey)!.pubkey);
  Object.assign(s.bunker.is, { asleep: false, refuses: { connect: "secret already used" } });
  assertEquals((await s.keys().session(s.url)).pubkey, s.bunker.merchant.pubkey);
});
