import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { seconds, systemClock } from "../../src/clock.ts";
import { DeadlineError } from "../../src/nostr/deadline.ts";
import { LinkError, type ReqMessage } from "../../src/nostr/relay_link.ts";
import type { RelayPool } from "../../src/nostr/relay_pool.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { directMessage, testPool, testSigner, until } from "../support/wire.ts";

const merchant = testSigner();
const now = seconds(systemClock.now());
const filters = [{ kinds: [4], "#p": [merchant.pubkey] }];
const message = (text?: string) => directMessage(merchant.pubkey, { at: now, ...(text ? { text } : {}) });

Deno.test("publish() resolves with the relay's answer, whatever it is", async () => {
  await using relay = await FakeRelay.start();
  await using pool = testPool();
  const event = message();
  assertEquals(await pool.publish(relay.url, event), { ok: true, message: "" });
  assertEquals(await pool.publish(relay.url, event), { ok: false, message: "duplicate: have it" });
  relay.is.refuse = "blocked: not you";
  assertEquals(await pool.publish(relay.url, message()), { ok: false, message: "blocked: not you" });
  await assertRejects(() => pool.link(relay.url).event(message()), Error, "not you");
});

Deno.test("publish() rejects by its deadline when no OK comes, and when nobody listens", async () => {
  await using relay = await FakeRelay.start({ noOk: true });
  await using pool = testPool({ relayOptions: { publishTimeoutMs: 150 } });
  await assertRejects(() => pool.publish(relay.url, message()), DeadlineError, "no OK");
  await relay.stop();
  await until(() => pool.status()[0]!.state !== "connected");
  const error = await assertRejects(() => pool.publish(relay.url, message()), DeadlineError, "no connection");
  assertStringIncludes(error.message, "ECONNREFUSED");
});

Deno.test("an event sent to a relay that is down goes out when it appears in time", async () => {
  await using relay = await FakeRelay.start();
  await relay.stop();
  await using pool = testPool({ relayOptions: { publishTimeoutMs: 3_000 } });
  const answer = pool.publish(relay.url, message());
  await until(() => pool.status()[0]!.state === "waiting");
  await relay.start();
  assertEquals((await answer).ok, true);
});

Deno.test("a relay that asks for AUTH gets it again on every connection, for REQ and EVENT", async () => {
  await using relay = await FakeRelay.start({ auth: true });
  await using pool = testPool({ signer: merchant });
  const link = pool.link(relay.url);
  for (let round = 1; round <= 3; round++) {
    const event = message();
    assertEquals(await link.publish(event), { ok: true, message: "" });
    const found = await link.query(filters);
    assertEquals(found.map((e) => e.id).includes(event.id), true);
    assertEquals(relay.auths, Array(round).fill(merchant.pubkey));
    relay.drop();
    await until(() => link.status().state !== "connected");
  }
  assertEquals(link.status().reconnects, 2);
});

Deno.test("`restricted:` before AUTH was heard is asked again after it, as `auth-required:` is", async () => {
  await using relay = await FakeRelay.start({ auth: true, authRefusal: "restricted: not to strangers" });
  await using pool = testPool({ signer: merchant });
  const link = pool.link(relay.url);
  assertEquals(await link.query(filters), []);
  relay.drop();
  await until(() => link.status().state !== "connected");
  assertEquals(await link.publish(message()), { ok: true, message: "" });
});

Deno.test("without a signer a refusal for want of AUTH is the answer", async () => {
  await using relay = await FakeRelay.start({ auth: true });
  await using pool = testPool({ signer: null });
  assertEquals(await pool.publish(relay.url, message()), {
    ok: false,
    message: "auth-required: who are you?",
  });
  await assertRejects(() => pool.link(relay.url).query(filters), LinkError, "auth-required:");
});

Deno.test("req() tells CLOSED with its reason and then ends", async () => {
  await using relay = await FakeRelay.start({ closed: "error: no room" });
  await using pool = testPool();
  const messages: ReqMessage[] = [];
  for await (const one of pool.link(relay.url).req(filters)) messages.push(one);
  assertEquals(messages.map((m) => [m[0], m[2]]), [["CLOSED", "error: no room"]]);
  await assertRejects(() => pool.link(relay.url).query(filters), LinkError, "no room");
});

for (
  const [name, hurt] of [
    ["a dropped connection", (r: FakeRelay) => r.drop()],
    ["a binary frame", (r: FakeRelay) => r.binary()],
  ] as const
) {
  Deno.test(`${name} ends req() with an error, and the next one works`, async () => {
    await using relay = await FakeRelay.start();
    await using pool = testPool();
    const link = pool.link(relay.url);
    for (let round = 0; round < 2; round++) {
      const error = await assertRejects(async () => {
        for await (const one of link.req(filters)) if (one[0] === "EOSE") hurt(relay);
      }, LinkError);
      if (name === "a binary frame") assertStringIncludes(error.message, "binary frame");
    }
    assertEquals((await link.publish(message())).ok, true);
    assert(link.status().reconnects >= 2);
  });
}

Deno.test("silence before EOSE ends the connection; after EOSE it is normal", async () => {
  await using relay = await FakeRelay.start({ noEose: true });
  await using pool = testPool({ relayOptions: { silenceMs: 100 } });
  const link = pool.link(relay.url);
  await assertRejects(
    async () => {
      for await (const _ of link.req(filters));
    },
    LinkError,
    "silent",
  );
  relay.is.noEose = false;
  const got: string[] = [];
  const stop = new AbortController();
  const subscription = (async () => {
    for await (const one of link.req(filters, { signal: stop.signal })) {
      got.push(one[0]);
      if (one[0] === "EVENT") break;
    }
  })();
  await until(() => got.includes("EOSE"));
  await new Promise((resolve) => setTimeout(resolve, 250));
  relay.publish(message());
  await subscription;
  assertEquals(got, ["EOSE", "EVENT"]);
  assertEquals(relay.connections, 2);
});

Deno.test("req() throws the signal's reason when it fires", async () => {
  await using relay = await FakeRelay.start();
  await using pool = testPool();
  const stop = new AbortController();
  const error = await assertRejects(async () => {
    for await (const _ of pool.link(relay.url).req(filters, { signal: stop.signal })) {
      stop.abort(new Error("enough"));
    }
  });
  assertEquals(error.message, "enough");
  await until(() => relay.subscriptions.length === 0);
});

Deno.test("renew() lets what is being published finish on the old connection", async () => {
  await using relay = await FakeRelay.start({ noOk: true });
  await using pool = testPool({ relayOptions: { publishTimeoutMs: 300 } });
  const link = pool.link(relay.url);
  const first = link.publish(message("first"));
  await until(() => relay.frames.length === 1);
  link.renew("test");
  relay.is.noOk = false;
  assertEquals((await link.publish(message("second"))).ok, true);
  assertEquals(relay.connections, 2);
  await assertRejects(() => first, DeadlineError);
});

Deno.test("a connection that nobody uses is closed, and made again when somebody does", async () => {
  await using relay = await FakeRelay.start();
  await using pool = testPool({ relayOptions: { idleMs: 30 } });
  await pool.publish(relay.url, message());
  await until(() => pool.status()[0]!.state === "closed");
  assertEquals(pool.status()[0]!.error, null);
  assertEquals((await pool.publish(relay.url, message())).ok, true);
});

Deno.test("an event bigger than allowed is dropped before anybody sees it", async () => {
  await using relay = await FakeRelay.start();
  relay.events.push(message("x".repeat(3_000)), message("small"));
  await using pool = testPool({ relayOptions: { maxEventBytes: 2_000 } });
  assertEquals((await pool.link(relay.url).query(filters)).map((e) => e.content), ["small"]);
});

Deno.test("close() ends what is under way", async () => {
  await using relay = await FakeRelay.start({ deaf: true });
  const pool = testPool({ relayOptions: { silenceMs: 60_000, publishTimeoutMs: 60_000 } });
  const calls = [
    assertRejects(() => pool.publish(relay.url, message()), LinkError),
    assertRejects(() => pool.link(relay.url).query(filters, { timeoutMs: 60_000 }), LinkError),
    assertRejects(() => pool.publish("ws://127.0.0.1:1", message()), LinkError),
  ];
  await until(() => relay.frames.length === 1 && relay.reqs.length === 1);
  await pool[Symbol.asyncDispose]();
  await Promise.all(calls);
  await assertRejects(() => pool.publish(relay.url, message()), LinkError);
});

for (
  const [what, call] of Object.entries({
    "a query": (pool: RelayPool, url: string) => pool.link(url).query(filters, { timeoutMs: 5_000 }),
    "an event": (pool: RelayPool, url: string) => pool.publish(url, message()),
  })
) {
  Deno.test(`a connection that is dead while TCP lives is found by ${what} without an answer`, async () => {
    await using relay = await FakeRelay.start();
    const clock = new FakeClock();
    await using pool = testPool({ clock, relayOptions: { silenceMs: 60_000, publishTimeoutMs: 5_000 } });
    // As a wallet's answers are heard: it has its EOSE, and isn't asked again.
    const live = pool.link(relay.url).req(filters);
    assertEquals((await live.next()).value?.[0], "EOSE");
    const ended = assertRejects(() => live.next(), LinkError, "silent");
    relay.is.deaf = true;
    const asking = assertRejects(() => call(pool, relay.url));
    const passing = async () => {
      await clock.advance(500);
      return pool.status()[0]!.state !== "connected";
    };
    await until(passing);
    await asking;
    await ended;
    relay.is.deaf = false;
    const again = pool.link(relay.url).query(filters, { timeoutMs: 600_000 });
    await until(async () => !await passing());
    assertEquals(await again, []);
  });
}

Deno.test("a relay that breaks off after a word is tried again within seconds, one that says nothing ever more seldom", async () => {
  for (const says of [true, false]) {
    await using relay = await FakeRelay.start();
    for (let i = 0; i < 3; i++) relay.events.push(message(`${i}`));
    const clock = new FakeClock();
    await using pool = testPool({ clock, relayOptions: { backOffFirstMs: 500, backOffMostMs: 60_000 } });
    // Somebody needs the link all the time.
    const user = pool.link(relay.url).req(filters);
    await user.next();
    Object.assign(relay.is, says ? { breaksAfter: 1 } : { dropOnReq: true });
    relay.drop();
    await until(() => pool.status()[0]!.state !== "connected");
    const connections: number[] = [];
    for (let tries = 0; tries < 9; tries++) {
      const asking = assertRejects(() => pool.link(relay.url).query(filters, { timeoutMs: 600_000 }));
      await until(async () => {
        await clock.advance(500);
        return relay.connections === tries + 2 && pool.status()[0]!.state !== "connected";
      });
      await asking;
      connections.push(clock.monotonic());
    }
    await user.return(undefined);
    const last = connections.at(-1)! - connections.at(-2)!;
    assert(says ? last <= 10_000 : last >= 25_000, `${last} ms between two connections`);
  }
});

Deno.test("a relay that never says OK, and answers questions, keeps its connection", async () => {
  await using relay = await FakeRelay.start({ noOk: true });
  const clock = new FakeClock();
  await using pool = testPool({ clock, relayOptions: { publishTimeoutMs: 5_000 } });
  for (let i = 0; i < 3; i++) {
    const asking = assertRejects(() => pool.publish(relay.url, message()), DeadlineError);
    await until(() => relay.frames.length === i + 1);
    await clock.advance(5_000);
    await asking;
    await until(() => relay.reqs.length === i + 1);
    // The proof of life came back.
    await until(() => pool.status()[0]!.state === "connected" && relay.subscriptions.length === 0);
    await clock.advance(10_000);
  }
  assertEquals([relay.connections, relay.reqs.flat().every((filter) => filter.ids?.length === 1)], [1, true]);
});
