import { assertEquals, assertRejects } from "@std/assert";
import { readOwnWords } from "../../src/messages/own_words.ts";
import { sealMessage } from "../../src/nostr/envelope.ts";
import type { NostrIdentity } from "../../src/nostr/identity.ts";
import { RelayPool } from "../../src/nostr/relay_pool.ts";
import { localSigner } from "../../src/nostr/signer.ts";
import { loadVerifier } from "../../src/nostr/verify.ts";
import { systemClock } from "../../src/clock.ts";
import { systemRandom } from "../../src/random.ts";
import { memoryDatabase } from "../support/database.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { keyPair } from "../support/keys.ts";
import { silentLog } from "../support/log.ts";

const SINCE = 1_700_000_000;
const paid = (id: string) =>
  JSON.stringify({ id, type: 2, paid: true, shipped: false, status: "processing" });

Deno.test("what our key said since the backup is read back: by kind 4 and by copies to self, once, and nothing that is forged", async () => {
  await using relay = await FakeRelay.start();
  await using database = await memoryDatabase();
  const verifier = await loadVerifier();
  const keys = keyPair("merchant");
  const signer = localSigner(keys.secretKey, verifier, { random: systemRandom });
  const stranger = localSigner(keyPair("mallory").secretKey, verifier, { random: systemRandom });
  await using pool = new RelayPool({
    signer,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    verifier,
    trusted: [relay.url],
  });
  const identity: NostrIdentity = {
    pubkey: keys.pubkey,
    signer,
    pool,
    relays: [relay.url],
    dmRelays: [],
    publicRelayUrl: null,
  };
  const [alice, owner] = [keyPair("alice").pubkey, keyPair("owner").pubkey];
  const say = async (
    by: typeof signer,
    recipient: string,
    content: string,
    envelope: "nip04" | "nip17",
    at: number,
  ) => {
    const sealed = await sealMessage({ envelope, recipient, content, createdAt: at }, by, systemRandom);
    for (const { event } of sealed.events) relay.publish(event);
    return sealed;
  };
  await say(signer, alice, paid("four"), "nip04", SINCE + 10);
  await say(signer, alice, paid("wrapped"), "nip17", SINCE + 20);
  await say(signer, alice, "Hello!", "nip04", SINCE + 30);
  await say(signer, owner, "[ncc] Order 1 is paid.", "nip04", SINCE + 40);
  await say(signer, alice, paid("before"), "nip04", SINCE - 1);
  await say(signer, alice, paid("wrapped before"), "nip17", SINCE - 100);
  await say(signer, keys.pubkey, "a probe", "nip04", SINCE + 50);
  // Somebody else's message to us, and one in our name.
  await say(stranger, keys.pubkey, paid("strange"), "nip17", SINCE + 60);
  const { events: [forged] } = await say(signer, alice, paid("forged"), "nip04", SINCE + 70);
  relay.events = relay.events.map((event) =>
    event.id === forged!.event.id ? { ...event, created_at: event.created_at + 1 } : event
  );

  const parts = { database, verifier, owners: new Set([owner]) };
  const signal = new AbortController().signal;
  const first = await readOwnWords(parts, identity, relay.url, SINCE, signal);
  assertEquals([first.messages, first.fresh], [4, 4]);
  assertEquals((await readOwnWords(parts, identity, relay.url, SINCE, signal)).fresh, 0);
  const said = await database.kysely.selectFrom("said_before").select([
    "customer",
    "order_ref",
    "kind",
    "at_seconds",
  ])
    .orderBy("at_seconds").execute();
  assertEquals(said.map((one) => [one.customer, one.order_ref, one.kind, one.at_seconds - SINCE]), [
    [alice, "four", "status", 10],
    [alice, "wrapped", "status", 20],
    [alice, null, "other", 30],
    [owner, null, "other", 40],
  ]);
  // It stands with the customer's conversation, and not what owners were told.
  const kept = await database.kysely.selectFrom("messages").select([
    "customer",
    "type",
    "direction",
    "envelope",
  ])
    .orderBy("seq").execute();
  assertEquals(kept.map((one) => [one.customer === alice, one.type, one.direction, one.envelope]), [
    [true, "status", "out", "nip04"],
    [true, "status", "out", "nip17"],
    [true, "chat", "out", "nip04"],
  ]);
  const clock = await database.kysely.selectFrom("key_clocks").select("last_seconds")
    .where("scope", "=", `customer:${alice}`).executeTakeFirstOrThrow();
  assertEquals(clock.last_seconds, SINCE + 30);

  relay.is.closed = "restricted: not you";
  await assertRejects(() => readOwnWords(parts, identity, relay.url, SINCE, signal));
});
