import { assert, assertEquals } from "@std/assert";
import type { NostrEvent } from "@nostrify/types";
import type { Database } from "../../src/db/database.ts";
import type { NostrIdentity } from "../../src/nostr/identity.ts";
import { receiptsOf, type Recipient } from "../../src/nostr/outbox.ts";
import { enqueueLookUp, LOOK_UP_JOB, recipientLookUp } from "../../src/nostr/recipient_look_up.ts";
import { namedRelays, newestOf, routeTo } from "../../src/nostr/recipient_relays.ts";
import {
  findRecipientRelays,
  forgetRecipientRelays,
  keepRecipientRelays,
} from "../../src/nostr/recipient_relays_store.ts";
import type { RelayPool } from "../../src/nostr/relay_pool.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { onEachDatabase } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { startRunner } from "../support/jobs.ts";
import { silentLog } from "../support/log.ts";
import { ExampleGuard } from "../support/open_guard.ts";
import { testPool, testSigner } from "../support/wire.ts";
import { merchant, posted, signed } from "./outbox_harness.ts";

const alice = testSigner();
const HOUR = 3_600_000;
let second = 1_760_000_000;

/** A relay list of Alice's, newer than the one before. */
function list(kind: 10050 | 10002, tags: string[][], o: { at?: number; by?: typeof alice } = {}) {
  return (o.by ?? alice).signEvent({ kind, content: "", tags, created_at: o.at ?? second++ });
}

function identity(pool: RelayPool, relays: string[], o: Partial<NostrIdentity> = {}): NostrIdentity {
  return {
    pubkey: merchant.pubkey,
    signer: merchant,
    pool,
    relays,
    dmRelays: relays,
    publicRelayUrl: null,
    ...o,
  };
}

/** Runs the look-up for Alice as a job. */
async function lookUp(db: Database, who: NostrIdentity, clock: FakeClock, seenOn: string | null = null) {
  const job = recipientLookUp({
    database: db,
    clock,
    log: silentLog,
    identityOf: () => who,
    guard: new ExampleGuard(),
  });
  await using runner = await startRunner(db, clock, { [LOOK_UP_JOB]: job });
  await db.transaction((tx) =>
    enqueueLookUp(tx, { merchant: merchant.pubkey, pubkey: alice.pubkey, seenOn }, clock.now())
  );
  await runner.settled();
  return await findRecipientRelays(db.kysely, alice.pubkey);
}

const to: Recipient = { pubkey: alice.pubkey, reads: [], readsOurs: false };
const relaysOf = async (db: Database, event: NostrEvent) =>
  (await receiptsOf(db, event.id)).map((row) => row.relay);

Deno.test("namedRelays() reads both lists: reading relays only, each once, ten at most", async () => {
  const dm = await list(10050, [["relay", "wss://A.example/"], ["relay", "wss://a.example"], [
    "r",
    "wss://b.example",
  ]]);
  assertEquals(namedRelays(dm), ["wss://a.example"]);
  const read = await list(10002, [
    ["r", "wss://both.example"],
    ["r", "wss://write.example", "write"],
    ["r", "wss://read.example", "read"],
    ["relay", "wss://c.example"],
    ["r"],
    ["r", "nonsense"],
  ]);
  assertEquals(namedRelays(read), ["wss://both.example", "wss://read.example"]);
  const many = await list(10050, [...Array(500)].map((_, i) => ["relay", `wss://r${i}.example`]));
  assertEquals(namedRelays(many).length, 10);
});

Deno.test("newestOf() takes the author's own, and of one second the lower id", async () => {
  const [a, b, old] = [
    await list(10050, [["relay", "wss://a.example"]], { at: 2_000 }),
    await list(10050, [["relay", "wss://b.example"]], { at: 2_000 }),
    await list(10050, [], { at: 1_000 }),
  ];
  const others = [
    await list(10050, [], { at: 3_000, by: testSigner() }),
    await list(10002, [], { at: 3_000 }),
  ];
  const lower = a.id < b.id ? a : b;
  assertEquals(newestOf([old, a, b, ...others], 10050, alice.pubkey), lower);
  assertEquals(newestOf([b, a, old], 10050, alice.pubkey), lower);
  assertEquals(newestOf(others, 10050, alice.pubkey), undefined);
});

onEachDatabase(
  "routeTo(): the recipient's relays for this envelope, where they were seen, and ours",
  async (db) => {
    await using pool = testPool();
    const who = identity(pool, ["wss://ours.example"], { publicRelayUrl: "wss://shop.example/relay" });
    const now = Date.now();
    const route = (envelope: "nip04" | "nip17", seenOn: string | null) =>
      db.transaction((tx) => routeTo(tx, { identity: who, recipient: alice.pubkey, envelope, seenOn }, now));
    assertEquals(await route("nip17", "wss://seen.example"), {
      relays: ["wss://ours.example", "wss://seen.example"],
      to: { pubkey: alice.pubkey, reads: ["wss://seen.example"], readsOurs: false },
      stale: true,
    });
    await db.transaction((tx) =>
      keepRecipientRelays(tx, alice.pubkey, {
        dmRelays: ["wss://inbox.example", "wss://shop.example/relay"],
        readRelays: ["wss://ours.example", "wss://read.example"],
        lookedUpAt: now - 5 * HOUR,
      })
    );
    assertEquals(await route("nip17", null), {
      relays: ["wss://ours.example", "wss://inbox.example"],
      to: { pubkey: alice.pubkey, reads: ["wss://inbox.example"], readsOurs: true },
      stale: false,
    });
    assertEquals(await route("nip04", ""), {
      relays: ["wss://ours.example", "wss://read.example"],
      to: { pubkey: alice.pubkey, reads: ["wss://ours.example", "wss://read.example"], readsOurs: true },
      stale: false,
    });
    await db.transaction((tx) => forgetRecipientRelays(tx, now - HOUR));
    assertEquals((await route("nip04", null)).to.reads, []);
  },
);

Deno.test("without any relay to ask nothing is looked up", async () => {
  await using pool = testPool();
  const db = {} as Parameters<typeof routeTo>[0];
  const route = await routeTo(
    db,
    { identity: identity(pool, []), recipient: alice.pubkey, envelope: "nip04", seenOn: "" },
    0,
  );
  assertEquals(route, { relays: [], to: { pubkey: alice.pubkey, reads: [], readsOurs: true }, stale: false });
});

onEachDatabase(
  "a look-up takes the newest authentic list of both kinds, three relays each that are public or ours",
  async (db) => {
    await using one = await FakeRelay.start();
    await using two = await FakeRelay.start();
    await using seen = await FakeRelay.start();
    await using pool = testPool();
    const hostile = ["wss://127.0.0.1", "ws://plain.example.com", "wss://localhost", "wss://10.0.0.1"];
    const good = ["a", "b", "c", "d"].map((name) => `wss://${name}.relays.com`);
    const old = await list(10050, [["relay", "wss://old.example.com"]]);
    const current = await list(10050, [...hostile, one.url, ...good].map((url) => ["relay", url]));
    const forged = { ...await list(10050, [["relay", "wss://thief.example.com"]]), pubkey: alice.pubkey };
    const others = await list(10050, [["relay", "wss://bob.example.com"]], { by: testSigner() });
    one.events.push(old, { ...forged, content: "changed" }, others);
    two.events.push(current);
    seen.events.push(await list(10002, [["r", good[3]!]]));
    const clock = new FakeClock();
    const found = await lookUp(db, identity(pool, [one.url, two.url]), clock, seen.url);
    assertEquals(found, {
      dmRelays: [one.url, good[0]!, good[1]!],
      readRelays: [good[3]!],
      lookedUpAt: clock.now(),
    });
  },
);

onEachDatabase(
  "what was sent goes to the relays that are found, and counts where they are read",
  async (db) => {
    await using ours = await FakeRelay.start();
    await using pool = testPool();
    const clock = new FakeClock();
    const inbox = "ws://inbox.example";
    ours.events.push(
      await list(10050, [["relay", inbox], ["relay", ours.url]]),
      await list(10002, [["r", "ws://read.example"], ["r", "wss://shop.example/relay"]]),
    );
    const at = (ms: number) => ({ to, at: clock.now() - ms });
    const [wrap, direct, late, old, ancient] = [
      await signed({ kind: 1059 }),
      await signed(),
      await signed({ kind: 1059 }),
      await signed({ kind: 1059 }),
      await signed({ kind: 1059 }),
    ];
    await posted(db, wrap, [ours.url], at(0));
    await posted(db, direct, [ours.url], at(0));
    await posted(db, late, [ours.url], at(2 * HOUR));
    await posted(db, old, [ours.url], { to: { ...to, reads: [ours.url] }, at: clock.now() - 2 * HOUR });
    await posted(db, ancient, [ours.url], at(80 * HOUR));
    await db.kysely.updateTable("outbox").set({ state: "delivered" }).where("event_id", "in", [
      late.id,
      old.id,
    ])
      .execute();
    const before = await signed({ kind: 1059 });
    await posted(db, before, [ours.url], { to: { ...to, pubkey: "f".repeat(64) }, at: clock.now() });

    await lookUp(db, identity(pool, [ours.url], { publicRelayUrl: "wss://shop.example/relay" }), clock);
    assertEquals(await relaysOf(db, wrap), [inbox, ours.url].sort());
    assertEquals(await relaysOf(db, direct), [ours.url, "ws://read.example"].sort());
    // Two hours old: sent again only where nobody knew that Alice reads the relay that has it.
    assertEquals(await relaysOf(db, late), [inbox, ours.url].sort());
    assertEquals(await relaysOf(db, old), [ours.url]);
    assertEquals(await relaysOf(db, ancient), [ours.url]);
    assertEquals(await relaysOf(db, before), [ours.url]);
    const reads = await db.kysely.selectFrom("outbox").select(["event_id", "relay", "reads"]).where(
      "reads",
      "=",
      1,
    )
      .where("event_id", "in", [wrap.id, direct.id]).orderBy("relay").execute();
    assertEquals(
      new Set(reads.map((row) => `${row.event_id === wrap.id ? "wrap" : "direct"} ${row.relay}`)),
      new Set([`wrap ${ours.url}`, `wrap ${inbox}`, "direct ws://read.example"]),
    );
    const [row] = await db.kysely.selectFrom("outbox_events").select("reads_ours").where(
      "event_id",
      "=",
      direct.id,
    )
      .execute();
    assertEquals(row!.reads_ours, 1);
  },
);

onEachDatabase(
  "known for six hours, not found for half an hour; a list that vanished is remembered",
  async (db) => {
    await using ours = await FakeRelay.start();
    await using pool = testPool();
    const clock = new FakeClock();
    const who = identity(pool, [ours.url]);
    const nothing = { dmRelays: [], readRelays: [] };
    assertEquals(await lookUp(db, who, clock), { ...nothing, lookedUpAt: clock.now() });
    clock.jump(HOUR / 4);
    await lookUp(db, who, clock);
    assertEquals(ours.reqs.length, 1);
    clock.jump(HOUR / 2);
    ours.events.push(await list(10050, [["relay", ours.url]]));
    assertEquals((await lookUp(db, who, clock))!.dmRelays, [ours.url]);
    clock.jump(5 * HOUR);
    await lookUp(db, who, clock);
    assertEquals(ours.reqs.length, 2);
    clock.jump(2 * HOUR);
    ours.events = [];
    assertEquals(await lookUp(db, who, clock), { ...nothing, dmRelays: [ours.url], lookedUpAt: clock.now() });
    assertEquals(ours.reqs.length, 3);
  },
);

Deno.test("relays that can't be asked are asked again, and in the end it counts as nothing found", async () => {
  await using db = await freshDatabase();
  await using ours = await FakeRelay.start({ closed: "error: restarting" });
  await using pool = testPool();
  const clock = new FakeClock();
  const who = identity(pool, [ours.url]);
  const job = recipientLookUp({
    database: db,
    clock,
    log: silentLog,
    identityOf: () => who,
    guard: new ExampleGuard(),
  });
  await using runner = await startRunner(db, clock, { [LOOK_UP_JOB]: job });
  await db.transaction((tx) =>
    enqueueLookUp(tx, { merchant: merchant.pubkey, pubkey: alice.pubkey, seenOn: null }, clock.now())
  );
  for (let i = 0; i < 3; i++) {
    assertEquals(await findRecipientRelays(db.kysely, alice.pubkey), undefined);
    await runner.settled();
    clock.jump(31_000);
    await clock.advance(1);
  }
  await runner.settled();
  assertEquals((await findRecipientRelays(db.kysely, alice.pubkey))!.dmRelays, []);
  assertEquals(await db.kysely.selectFrom("jobs").selectAll().execute(), []);
  assert(ours.reqs.length >= 4);
});
