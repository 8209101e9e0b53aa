import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { NostrFilter } from "@nostrify/types";
import type { IntakeRelayStatus } from "../../src/nostr/intake.ts";
import { isProbe } from "../../src/nostr/probe.ts";
import type { WatchOptions } from "../../src/nostr/watch_options.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { signerThatFails } from "../support/failing_signer.ts";
import { recordingLog } from "../support/log.ts";
import { testPool, until } from "../support/wire.ts";
import { caughtUp, count, inbox, intakeOf, merchant, message, now, quickWatch } from "./intake_harness.ts";

const watching = (o: Partial<WatchOptions> = {}) => ({ options: { watch: { ...quickWatch, ...o } } });
const first = (intake: { status(): { relays: IntakeRelayStatus[] } }) => intake.status().relays[0]!;
/** Checks ask for both kinds below a date; the live subscription has no such end, and a catch-up asks for one kind. */
const isCheck = (filters: NostrFilter[]) => filters.length === 2 && filters[0]!.until !== undefined;
const checks = (relay: FakeRelay) => relay.reqs.filter(isCheck).length;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("deaf: what a check finds and the subscription doesn't bring proves it, and isn't lost", async () => {
  await using relay = await FakeRelay.start({ hoards: true });
  await using db = await freshDatabase();
  await using pool = testPool();
  const { log, lines } = recordingLog();
  await using intake = await intakeOf(db, pool, [relay], { ...watching(), log });
  await caughtUp(intake);
  assertEquals([first(intake).deaf, relay.connections], [null, 1]);
  relay.publish(message({ text: "order" }));
  await until(() => first(intake).deaf !== null);
  await until(async () => await count(db) === 1);
  await until(() => relay.connections === 2);
  await caughtUp(intake);
  assertStringIncludes(first(intake).deaf!.why, "it has 1 that the subscription didn't bring");
  assertEquals(first(intake).foundDeaf, 1);
  assertEquals(lines.filter((line) => line.event === "intake.deaf").map((line) => line.level), ["warn"]);
  relay.is.hoards = false;
  relay.publish(message({ text: "heard" }));
  await until(() => first(intake).deaf === null);
  assert(lines.some((line) => line.event === "intake.hears_again"));
});

Deno.test("deaf: a gift wrap dated two days back is missed as well as a new one", async () => {
  await using relay = await FakeRelay.start({ hoards: true });
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay], watching());
  await caughtUp(intake);
  relay.publish(message({ kind: 1059, at: now - 2 * 86_400 + 60 }));
  await until(() => first(intake).foundDeaf === 1);
  await until(async () => await count(db) === 1);
});

Deno.test("deaf: a subscription that lags behind a check isn't", async () => {
  await using relay = await FakeRelay.start({ hoards: true });
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay], watching({ graceMs: 400 }));
  await caughtUp(intake);
  const slow = message();
  relay.publish(slow);
  await until(async () => await count(db) === 1);
  relay.is.hoards = false;
  relay.events.pop();
  relay.publish(slow);
  await pause(600);
  assertEquals([first(intake).foundDeaf, relay.connections], [0, 1]);
});

Deno.test("deaf: what was there before, and what came live, proves nothing however often it is looked up", async () => {
  await using relay = await FakeRelay.start({ limit: 5 });
  for (let i = 0; i < 40; i++) relay.events.push(message({ at: now - i, kind: i % 2 ? 4 : 1059 }));
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay], watching({ graceMs: 1 }));
  await caughtUp(intake);
  for (let i = 0; i < 5; i++) relay.publish(message({ at: now + i }));
  const before = checks(relay);
  await until(() => checks(relay) >= before + 5);
  assertEquals([first(intake).foundDeaf, relay.connections], [0, 1]);
});

Deno.test("deaf: one that stays so is reconnected less and less often, and its orders come by the checks", async () => {
  await using relay = await FakeRelay.start({ hoards: true });
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(
    db,
    pool,
    [relay],
    watching({ renewFirstMs: 60_000, renewMostMs: 60_000 }),
  );
  await caughtUp(intake);
  for (let i = 1; i <= 4; i++) {
    relay.publish(message());
    await until(async () => await count(db) === i);
    await pause(120);
  }
  assertEquals([relay.connections, first(intake).foundDeaf], [2, 1]);
  assert(first(intake).deaf !== null);
});

Deno.test("probe: sent at the start and after a reconnect, back by the subscription, in nobody's inbox", async () => {
  await using relay = await FakeRelay.start();
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay], { ...watching(), signer: merchant });
  await until(() => relay.frames.length === 1);
  const probe = relay.events[0]!;
  assertEquals(isProbe(probe, merchant.pubkey), true);
  assertEquals([probe.kind, probe.tags[0]], [1059, ["p", merchant.pubkey]]);
  const expires = Number(probe.tags.find((tag) => tag[0] === "expiration")![1]);
  assert(expires > now && expires < now + 600, "NIP-40");
  assert(probe.created_at < now - 86_400, "stands behind what customers write");
  await pause(300);
  relay.drop();
  await until(() => relay.frames.length === 2);
  relay.publish(message());
  await until(async () => await count(db) === 1);
  await pause(300);
  assertEquals((await inbox(db)).map((row) => row.kind), [4]);
  assertEquals([first(intake).deaf, first(intake).unproven, relay.connections], [null, null, 2]);
});

Deno.test("probe: one that doesn't come back proves deafness; a lying OK is told from a deaf subscription", async () => {
  for (
    const [is, why] of [
      [{ hoards: true }, "has it, but the subscription didn't bring it"],
      [{ lies: true }, "never came back"],
    ] as const
  ) {
    await using relay = await FakeRelay.start(is);
    await using db = await freshDatabase();
    await using pool = testPool();
    const options = watching({ checkEveryMs: 60_000, probeEveryMs: 100, probeLeastMs: 20 });
    await using intake = await intakeOf(db, pool, [relay], { ...options, signer: merchant });
    await until(() => relay.connections >= 2 && first(intake).caughtUp);
    assertStringIncludes(first(intake).deaf!.why, why);
    relay.is = { ...relay.is, hoards: false, lies: false };
    await until(() => first(intake).deaf === null);
    assertEquals(first(intake).foundDeaf, 1);
    assertEquals(await count(db), 0);
  }
});

Deno.test("probe: a relay that takes only some kinds gets the other one", async () => {
  await using relay = await FakeRelay.start({
    refuse: (event) => event.kind === 4 ? null : "blocked: kind 1059 isn't taken here",
  });
  await using db = await freshDatabase();
  await using pool = testPool();
  const options = watching({ probeEveryMs: 150, probeLeastMs: 20 });
  await using intake = await intakeOf(db, pool, [relay], { ...options, signer: merchant });
  await until(() => relay.events.length >= 2);
  assertEquals(relay.events.every((event) => event.kind === 4 && event.pubkey === merchant.pubkey), true);
  assertEquals(relay.frames.length, relay.events.length + 1, "the refused kind is tried once");
  await pause(200);
  assertEquals([first(intake).unproven, first(intake).deaf, await count(db)], [null, null, 0]);
});

for (
  const reason of ["blocked: members only", "pow: 28 bits", "rate-limited: slow down", "restricted: pay"]
) {
  Deno.test(`probe: "${reason}" is no deafness; it is noted, and asked for less and less`, async () => {
    await using relay = await FakeRelay.start({ refuse: reason });
    await using db = await freshDatabase();
    await using pool = testPool();
    const options = watching({ probeEveryMs: 50, probeLeastMs: 10 });
    await using intake = await intakeOf(db, pool, [relay], { ...options, signer: merchant });
    await until(() => first(intake).unproven !== null);
    await pause(700);
    assertEquals([first(intake).unproven, first(intake).deaf, relay.connections], [reason, null, 1]);
    assert(relay.frames.length <= 10, `${relay.frames.length} probes in 0.7 s`);
  });
}

Deno.test("probe: a relay that hands our own events to others only isn't deaf", async () => {
  await using relay = await FakeRelay.start({ noEcho: true });
  await using db = await freshDatabase();
  await using pool = testPool();
  const options = watching({ checkEveryMs: 60_000, echoMs: 200 });
  await using intake = await intakeOf(db, pool, [relay], { ...options, signer: merchant });
  await until(() => relay.frames.length === 1);
  await pause(50);
  relay.publish(message());
  await until(() => first(intake).unproven !== null);
  assertEquals([first(intake).deaf, relay.connections], [null, 1]);
});

Deno.test("probe: needs no signer for a gift wrap, and waits for none", async () => {
  await using relay = await FakeRelay.start({ refuse: (event) => event.kind === 4 ? null : "blocked: kind" });
  await using db = await freshDatabase();
  await using pool = testPool();
  const signer = signerThatFails(merchant, () => true);
  await using intake = await intakeOf(db, pool, [relay], { ...watching(), signer });
  await until(() => relay.frames.length === 1);
  await until(() => first(intake).unproven !== null);
  assertEquals([first(intake).deaf, first(intake).caughtUp], [null, true]);
});

Deno.test("probe: another process's isn't taken for a message; a customer's with our mark on kind 4 is one", async () => {
  await using relay = await FakeRelay.start();
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay], watching());
  await using theirs = testPool({ signer: merchant });
  await using other = await intakeOf(db, theirs, [relay], { ...watching(), signer: merchant });
  await caughtUp(intake);
  await caughtUp(other);
  await until(() => relay.events.length === 1);
  relay.publish({ ...message(), tags: [["p", merchant.pubkey], ["probe", "x"]] });
  await until(() => intake.status().invalid === 1);
  await pause(100);
  assertEquals(await count(db), 0);
});

Deno.test("check: silence while TCP lives ends the connection", async () => {
  await using relay = await FakeRelay.start();
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay], watching({ checkTimeoutMs: 100 }));
  await caughtUp(intake);
  relay.is.deaf = true;
  await until(() => !first(intake).connected);
  assertStringIncludes(first(intake).error!, "didn't answer a look-up");
  relay.is.deaf = false;
  await until(() => relay.connections === 2);
  relay.events.push(message());
  await until(async () => await count(db) === 1);
});

Deno.test("check: a refusal costs nothing but checks, which become rare", async () => {
  await using relay = await FakeRelay.start({
    closed: (filters) => isCheck(filters) ? "rate-limited: slow down" : null,
  });
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay], watching({ checkMostMs: 60_000 }));
  await until(() => first(intake).refusing !== null);
  await pause(500);
  assertEquals([first(intake).refusing, first(intake).caughtUp], ["rate-limited: slow down", true]);
  assert(checks(relay) <= 5, `${checks(relay)} checks in half a second`);
  relay.publish(message());
  await until(async () => await count(db) === 1);
  assertEquals([relay.connections, first(intake).deaf], [1, null]);
});

Deno.test("check: asks for little, and for nothing from the future", async () => {
  await using relay = await FakeRelay.start();
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay], watching());
  await until(() => checks(relay) > 0);
  const [direct, wraps] = relay.reqs.find(isCheck)!;
  assertEquals([direct!.limit, wraps!.limit], [20, 20]);
  assert(direct!.until! < now + 1_000 && direct!.since! >= now - 3_601);
  assert(wraps!.since! <= now - 2 * 86_400);
  assertEquals(first(intake).deaf, null);
});
