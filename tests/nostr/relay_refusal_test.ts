import { assert, assertEquals } from "@std/assert";
import type { NostrFilter } from "@nostrify/types";
import { intakeDefaults } from "../../src/nostr/intake_options.ts";
import { LinkError } from "../../src/nostr/relay_link.ts";
import { CheatedError, pauseAfter, RefusedError } from "../../src/nostr/relay_refusal.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { testPool, until } from "../support/wire.ts";
import { caughtUp, count, intakeOf, merchant, message } from "./intake_harness.ts";

const full = { bytes: () => new Uint8Array(), uuid: () => "", fraction: () => 1 };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

Deno.test("pauseAfter() leaves a relay alone by what it says", () => {
  const refused = (reason: string) => new RefusedError("the relay ended the subscription", reason);
  const cases: [string, Error, number, number][] = [
    ["lost", new LinkError("gone"), 500, MINUTE],
    ["closed", refused("error: shutting down"), 500, MINUTE],
    ["closed without a word", refused("no reason given"), 500, MINUTE],
    ["auth", refused("auth-required: who are you?"), 500, 15 * MINUTE],
    ["rate", refused("rate-limited: slow down"), 15 * SECOND, 15 * MINUTE],
    ["blocked", refused("blocked: spammer"), 2 * MINUTE, 60 * MINUTE],
    ["restricted", refused("restricted: members only"), 2 * MINUTE, 60 * MINUTE],
    ["pow", refused("pow: 28 bits"), 2 * MINUTE, 60 * MINUTE],
    ["invalid", refused("invalid: bad filter"), 2 * MINUTE, 60 * MINUTE],
    ["unsupported", refused("unsupported: filter"), 2 * MINUTE, 60 * MINUTE],
    ["cheated", new CheatedError("forgeries"), 2 * MINUTE, 60 * MINUTE],
  ];
  for (const [name, error, first, most] of cases) {
    assertEquals(pauseAfter(error, 1, full, intakeDefaults), first, name);
    assertEquals(pauseAfter(error, 2, full, intakeDefaults), 2 * first, name);
    assertEquals(pauseAfter(error, 40, full, intakeDefaults), most, name);
  }
});

const options = { limitedFirstMs: 300, limitedMostMs: 300, refusedFirstMs: 300, refusedMostMs: 300 };

for (
  const reason of ["blocked: spammer", "restricted: members only", "pow: 28 bits", "rate-limited: slow down"]
) {
  Deno.test(`CLOSED "${reason}" is shown, isn't answered by hammering, and ends when the relay gives in`, async () => {
    await using relay = await FakeRelay.start({ closed: reason });
    await using db = await freshDatabase();
    await using pool = testPool({ signer: merchant });
    await using intake = await intakeOf(db, pool, [relay], { options });
    const status = () => intake.status().relays[0]!;
    await until(() => status().refusing === reason);
    await pause(600);
    assert(relay.reqs.length <= 5, `${relay.reqs.length} REQs in 0.6 s`);
    assertEquals([status().caughtUp, status().refusing], [false, reason]);
    relay.is.closed = null;
    relay.events.push(message());
    await caughtUp(intake);
    await until(async () => await count(db) === 1);
    assertEquals([status().refusing, status().error], [null, null]);
    assertEquals(
      relay.connections > 1,
      !reason.startsWith("rate-limited"),
      "asking less needs no new connection",
    );
  });
}

Deno.test("CLOSED of a live subscription is taken up at once when it is a mishap", async () => {
  await using relay = await FakeRelay.start();
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay]);
  for (const reason of ["error: could not connect to the database", "", "closed by an operator"]) {
    await caughtUp(intake);
    const { restarts } = intake.status().relays[0]!;
    relay.closeSubscriptions(reason);
    await until(() => intake.status().relays[0]!.restarts > restarts);
  }
  await caughtUp(intake);
});

Deno.test('"rate-limited:" in a catch-up slows down that, while what is new still comes', async () => {
  const isPage = (filters: NostrFilter[]) => filters.length === 1;
  let pages = 0;
  await using relay = await FakeRelay.start({
    limit: 10,
    closed: (filters) => isPage(filters) && ++pages % 2 === 0 ? "rate-limited: slow down" : null,
  });
  for (let i = 0; i < 25; i++) relay.events.push(message({ at: message().created_at - i }));
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay], {
    options: { limitedFirstMs: 100, limitedMostMs: 100 },
  });
  await until(() => intake.status().relays[0]!.refusing !== null);
  relay.publish(message({ text: "new" }));
  await caughtUp(intake);
  await until(async () => await count(db) === 26);
  assertEquals([relay.connections, intake.status().relays[0]!.restarts], [1, 0]);
  assertEquals(intake.status().relays[0]!.refusing, null);
});

Deno.test("CLOSED auth-required without a challenge is a refusal, and not for ever silence", async () => {
  await using relay = await FakeRelay.start({ closed: "auth-required: members only" });
  await using db = await freshDatabase();
  await using pool = testPool({ signer: null });
  await using intake = await intakeOf(db, pool, [relay]);
  await until(() => intake.status().relays[0]!.refusing === "auth-required: members only");
  relay.is.closed = null;
  await caughtUp(intake);
});
