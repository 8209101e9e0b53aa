/** What relays do to their clients, each at the level where it would hurt: one connection, or the reading of orders. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { finalizeEvent, generateSecretKey } from "nostr-tools/pure";
import { readCursor } from "../../src/nostr/arrivals.ts";
import { LinkError } from "../../src/nostr/relay_link.ts";
import { pureCrypto, type Verifier } from "../../src/nostr/verify.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { testPool, until } from "../support/wire.ts";
import {
  believing,
  caughtUp,
  count,
  intakeOf,
  merchant,
  message,
  now,
  quickWatch,
  unsigned,
} from "./intake_harness.ts";

const filters = [{ kinds: [4], "#p": [merchant.pubkey] }];

Deno.test("trap: AUTH again after each reconnect, and a second CLOSED auth-required", async () => {
  await using relay = await FakeRelay.start({ auth: true, authForgets: 1 });
  await using db = await freshDatabase();
  await using pool = testPool({ signer: merchant });
  await using intake = await intakeOf(db, pool, [relay]);
  await until(() => intake.status().relays[0]!.restarts >= 2);
  assertStringIncludes(intake.status().relays[0]!.refusing!, "auth-required");
  relay.is.authForgets = 0;
  for (let round = 1; round <= 3; round++) {
    await caughtUp(intake);
    assertEquals(intake.status().relays[0]!.refusing, null);
    relay.publish(message());
    await until(async () => await count(db) === round);
    const { restarts } = intake.status().relays[0]!;
    relay.drop();
    await until(() => intake.status().relays[0]!.restarts > restarts);
  }
});

Deno.test("trap: a challenge that follows the refusal", async () => {
  await using relay = await FakeRelay.start({ auth: true, lateChallenge: true });
  await using pool = testPool({ signer: merchant });
  const link = pool.link(relay.url);
  for (let round = 1; round <= 2; round++) {
    assertEquals(await link.query(filters), []);
    relay.drop();
    await until(() => link.status().state !== "connected");
    assertEquals((await link.publish(message())).ok, true);
    relay.drop();
    await until(() => link.status().state !== "connected");
    relay.events.length = 0;
  }
});

Deno.test("trap: broken JSON and unknown messages are passed over; a flood of them ends the connection", async () => {
  await using relay = await FakeRelay.start();
  await using pool = testPool();
  const link = pool.link(relay.url);
  const got: string[] = [];
  const reading = assertRejects(
    async () => {
      for await (const one of link.req(filters)) got.push(one[0]);
    },
    LinkError,
    "no Nostr message",
  );
  await until(() => got.includes("EOSE"));
  for (const frame of ["{", "[]", '["EVENT"]', '["NEWS","x"]', '["EVENT","x",{"id":1}]', "\u0000"]) {
    relay.raw(frame);
  }
  relay.publish(message());
  await until(() => got.includes("EVENT"));
  for (let i = 0; i < 1_100; i++) relay.raw("{");
  await reading;
  assertEquals(await link.query(filters), relay.events);
});

Deno.test("trap: events that go on after CLOSE end the connection, and only that", async () => {
  await using relay = await FakeRelay.start({ endless: true });
  relay.events.push(unsigned(1, now));
  await using pool = testPool();
  const link = pool.link(relay.url);
  assertEquals((await link.query(filters)).length, 1);
  await until(() => link.status().error?.includes("nobody asked for") ?? false);
  relay.is.endless = false;
  assertEquals((await link.query(filters)).length, 1);
  assertEquals(link.status().reconnects, 1);
});

Deno.test("trap: a peer that takes the connection and never speaks", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const connections: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) connections.push(connection);
  })();
  {
    await using pool = testPool({ relayOptions: { connectTimeoutMs: 60, publishTimeoutMs: 400 } });
    const url = `ws://127.0.0.1:${listener.addr.port}`;
    const error = await assertRejects(() => pool.publish(url, message()));
    assertStringIncludes((error as Error).message, "no connection: no answer within 60 ms");
    assert(connections.length >= 2, "tried again");
  }
  listener.close();
  await accepting;
  for (const connection of connections) connection.close();
});

Deno.test("trap: wrong signatures without end: checked once, the relay left alone, the others read on", async () => {
  await using bad = await FakeRelay.start();
  await using good = await FakeRelay.start();
  const real = message({ at: now - 500, text: "behind them" });
  const forged = Array.from(
    { length: 120 },
    (_, i) => ({ ...message({ at: now - i }), sig: "0".repeat(128) }),
  );
  bad.events.push(real, ...forged);
  await using db = await freshDatabase();
  await using pool = testPool();
  let checked = 0;
  const verifier: Verifier = { verify: (event) => (checked++, pureCrypto.verify(event)) };
  const options = { mostForged: 50, refusedFirstMs: 300, refusedMostMs: 300, catchUp: { page: 40 } };
  await using intake = await intakeOf(db, pool, [bad, good], { verifier, options });
  const status = (relay: FakeRelay) => intake.status().relays.find(({ url }) => url === relay.url)!;
  await until(() => status(bad).error?.includes("wrong signatures") ?? false);
  await until(() => !status(bad).connected);
  good.publish(message({ text: "order" }));
  await until(async () => await count(db) >= 1);
  // What was found forged is known by now: each try comes further.
  await until(async () => await count(db) === 2);
  assertEquals(checked, 122);
});

Deno.test("trap: a copy with the signature of the event itself isn't remembered as a forgery of it", async () => {
  await using relay = await FakeRelay.start();
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay]);
  await caughtUp(intake);
  const real = message();
  for (let i = 0; i < 3; i++) relay.publish({ ...real, content: `forged ${i}` });
  await until(() => intake.status().invalid === 3);
  relay.publish(real);
  await until(async () => await count(db) === 1);
});

Deno.test("trap: a relay that gives no more than ten at once", async () => {
  await using relay = await FakeRelay.start({ limit: 10 });
  for (let i = 0; i < 300; i++) relay.events.push(unsigned(i, now - Math.floor(i / 3), i % 2 ? 4 : 1059));
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay], { verifier: believing });
  await caughtUp(intake);
  await until(async () => await count(db) === 300);
  assertEquals(intake.status().relays[0]!.hidden, 0);
});

Deno.test("trap: EOSE without what is stored: found by the next check once the relay tells", async () => {
  await using relay = await FakeRelay.start({ emptyEose: true });
  relay.events.push(message());
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay], { options: { watch: quickWatch } });
  await caughtUp(intake);
  assertEquals(await count(db), 0);
  relay.is.emptyEose = false;
  await until(async () => await count(db) === 1);
});

Deno.test("trap: events in no order, ten at once, lose none", async () => {
  await using relay = await FakeRelay.start({ shuffles: true, limit: 10 });
  for (let i = 0; i < 100; i++) {
    const id = unsigned(i * 7919 % 65_536, now - i * 60, i % 2 ? 4 : 1059);
    relay.events.push(id);
  }
  await using db = await freshDatabase();
  await using pool = testPool();
  await using intake = await intakeOf(db, pool, [relay], { verifier: believing });
  await until(async () => await count(db) === 100);
  await caughtUp(intake);
});

Deno.test("trap: dates in the future move no cursor", async () => {
  await using relay = await FakeRelay.start();
  relay.events.push(message({ at: now + 40 * 86_400 }));
  await using db = await freshDatabase();
  await using pool = testPool();
  const intake = await intakeOf(db, pool, [relay]);
  await until(async () => await count(db) === 1);
  await caughtUp(intake);
  relay.publish(message({ at: now + 41 * 86_400 }));
  await until(async () => await count(db) === 2);
  await intake.stop();
  assert((await readCursor(db, merchant.pubkey, relay.url))! <= Date.now());
  relay.events.push(message({ at: now - 3_600, text: "an hour old" }));
  await using _again = await intakeOf(db, pool, [relay]);
  await until(async () => await count(db) === 3);
});

Deno.test("trap: junk with cheap faults costs no signature check", async () => {
  await using relay = await FakeRelay.start();
  await using db = await freshDatabase();
  await using pool = testPool();
  let checked = 0;
  const verifier: Verifier = { verify: (event) => (checked++, pureCrypto.verify(event)) };
  const screen = (event: { content: string }) =>
    Promise.resolve(
      event.content === "junk" ? { ok: false as const, reason: "pow: 0 bits" } : { ok: true as const },
    );
  const admission = { screen, admit: () => Promise.resolve({ ok: true as const }) };
  await using intake = await intakeOf(db, pool, [relay], { verifier, admission });
  await caughtUp(intake);
  const by = generateSecretKey();
  const real = finalizeEvent(
    { kind: 4, content: "real", tags: [["p", merchant.pubkey]], created_at: now },
    by,
  );
  for (let i = 0; i < 20; i++) relay.publish({ ...real, content: "junk" });
  relay.publish(JSON.parse(JSON.stringify(real)));
  await until(async () => await count(db) === 1);
  // What was refused is counted once the batch that had it is stored.
  await until(() => Promise.resolve(intake.status().refused["pow: 0 bits"] === 20));
  assertEquals(checked, 1);
});
