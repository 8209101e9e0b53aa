import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { EventStore } from "../../src/nostr/event_store.ts";
import { buildAdmission } from "../../src/policies/admission.ts";
import { BuiltInRelay } from "../support/built_in_relay.ts";
import { silentLog } from "../support/log.ts";
import { type Key, newKey } from "../support/nostr_client.ts";
import { merchantRelay, messageTo } from "./merchant_relay.ts";

Deno.test("anybody may write orders, chat, bids and wraps to a served merchant, and nothing else", async () => {
  await using at = await merchantRelay();
  const { relay, merchant } = at;
  await using client = await relay.connect();
  const customer = relay.key();
  for (const kind of [4, 14, 16, 17, 1021, 1059]) {
    assertEquals(await client.publish(customer.sign(messageTo(merchant, kind))), [true, ""], `kind ${kind}`);
  }
  for (const kind of [0, 1, 3, 5, 7, 1022, 10_002, 30_017, 30_018, 23_194]) {
    const [accepted, reason] = await client.publish(customer.sign(messageTo(merchant, kind)));
    assertEquals(accepted, false, `kind ${kind}`);
    assertStringIncludes(reason, "blocked:");
  }
  const toNobody = await client.publish(customer.sign(messageTo(relay.key())));
  assertEquals(toNobody, [false, "blocked: no p tag names a merchant of this relay"]);
});

Deno.test("an event is in the inbox of every served merchant it names when OK comes", async () => {
  await using at = await merchantRelay();
  const { relay, merchant } = at;
  const second = relay.key();
  relay.merchants.add(second.pubkey);
  await using client = await relay.connect();
  const event = relay.key().sign({
    kind: 4,
    tags: [["p", merchant.pubkey], ["p", second.pubkey], ["p", "x"]],
  });
  assertEquals(await client.publish(event), [true, ""]);
  const rows = await relay.database.kysely.selectFrom("inbox").select(["merchant", "event_id", "relay"])
    .execute();
  const texts = rows.map((row) => `${row.merchant} ${row.event_id} ${row.relay}`);
  assertEquals(texts.sort(), [merchant, second].map((key) => `${key.pubkey} ${event.id} `).sort());
  assertEquals(await client.publish(event), [true, "duplicate: already here"]);
  assertEquals((await relay.database.kysely.selectFrom("inbox").select("seq").execute()).length, 2);
});

Deno.test("nothing is stored or shown when the inbox can't take the event", async () => {
  await using at = await merchantRelay({ onArrival: () => Promise.reject(new Error("disk full")) });
  const { relay, merchant } = at;
  await using client = await relay.connect();
  const customer = relay.key();
  await client.subscribe("mine", { kinds: [4], authors: [customer.pubkey] });
  const event = customer.sign(messageTo(merchant));
  assertEquals(await client.publish(event), [false, "error: the event can't be stored now, try again later"]);
  assertEquals(await relay.store.query([{ ids: [event.id] }]), []);
  assertEquals(client.heard((m) => m[0] === "EVENT"), []);
});

Deno.test("a merchant's events that are stored reach live subscribers after the commit", async () => {
  await using at = await merchantRelay();
  const { relay, merchant } = at;
  await using client = await relay.connect();
  await client.subscribe("catalogue", { kinds: [30_017, 30_018], authors: [merchant.pubkey] });
  const stall = merchant.sign({ kind: 30_017, tags: [["d", "s"]] });
  const failed = relay.database.transaction(async (tx) => {
    const product = merchant.sign({ kind: 30_018 });
    await new EventStore(tx).event(product);
    tx.wake("event", product.id);
    throw new Error("rolled back");
  });
  await assertRejects(() => failed, Error, "rolled back");
  await relay.database.transaction(async (tx) => {
    await new EventStore(tx).event(stall);
    tx.wake("event", stall.id);
    tx.wake("event", stall.id);
  });
  assertEquals(await client.live("catalogue"), stall);
  assertEquals(await client.query({ authors: [merchant.pubkey] }), [stall]);
  assertEquals(client.heard((m) => m[0] === "EVENT"), []);
});

Deno.test("a customer reads the own conversation without AUTH, as today's clients do", async () => {
  await using at = await merchantRelay();
  const { relay, merchant } = at;
  await using client = await relay.connect();
  const customer = relay.key();
  const order = customer.sign(messageTo(merchant));
  await client.publish(order);
  const answer = merchant.sign(messageTo(customer));
  await relay.store.event(answer);
  const both = [order, answer].map((event) => event.id).sort();
  const found = await client.query(
    { kinds: [4], authors: [merchant.pubkey], "#p": [customer.pubkey] },
    { kinds: [4], authors: [customer.pubkey] },
  );
  assertEquals(found.map((event) => event.id).sort(), both);
  const keys = [customer.pubkey, merchant.pubkey];
  const one = await client.query({ kinds: [4], authors: keys, "#p": keys });
  assertEquals(one.map((event) => event.id).sort(), both);
});

Deno.test("nobody lists the shop's customers: not by REQ, not by COUNT, not live", async () => {
  await using at = await merchantRelay();
  const { relay, merchant } = at;
  await using spy = await relay.connect();
  const [customer, stranger] = [relay.key(), relay.key()];
  await spy.publish(customer.sign(messageTo(merchant)));
  await spy.publish(customer.sign(messageTo(merchant, 14)));
  await relay.store.event(merchant.sign(messageTo(customer)));
  await relay.store.event(merchant.sign(messageTo(customer, 1059)));

  const listing = [{ kinds: [4], "#p": [merchant.pubkey] }, { kinds: [4], authors: [merchant.pubkey] }, {
    kinds: [4],
  }];
  const many = {
    kinds: [4],
    authors: Array.from({ length: 500 }, () => relay.key().pubkey).concat(customer.pubkey),
  };
  for (const filter of [...listing, many, { kinds: [1, 1059], "#p": [merchant.pubkey] }, { kinds: [14] }]) {
    const error = await assertRejects(() => spy.query(filter));
    assertStringIncludes(error.message, "auth-required:");
    assertStringIncludes((await spy.count(filter))[2], "auth-required:");
  }
  for (
    const filter of [{}, { "#p": [merchant.pubkey] }, { authors: [merchant.pubkey] }, {
      "#p": [customer.pubkey],
      kinds: [1],
    }]
  ) {
    assertEquals(await spy.query(filter), [], JSON.stringify(filter));
    assertEquals((await spy.count(filter))[2].count, 0, JSON.stringify(filter));
  }
  await spy.authenticate(stranger);
  for (const filter of listing.slice(0, 2)) {
    assertStringIncludes((await assertRejects(() => spy.query(filter))).message, "restricted:");
  }
  assertEquals(await spy.query({ kinds: [4] }), []);
  await spy.subscribe("all", {});
  await spy.subscribe("control", { kinds: [1021] });
  await spy.publish(customer.sign(messageTo(merchant)));
  const bid = customer.sign(messageTo(merchant, 1021));
  await spy.publish(bid);
  assertEquals(await spy.live("control"), bid);
  assertEquals(await spy.live("all"), bid);
});

Deno.test("after AUTH the merchant reads the own mail, a customer only the own wraps", async () => {
  await using at = await merchantRelay();
  const { relay, merchant } = at;
  await using shopkeeper = await relay.connect();
  await using client = await relay.connect();
  const [customer, other] = [relay.key(), relay.key()];
  const order = customer.sign(messageTo(merchant));
  await client.publish(order);
  const wraps = [customer, other].map((key) => relay.key().sign(messageTo(key, 1059)));
  for (const wrap of wraps) await relay.store.event(wrap);

  await shopkeeper.authenticate(merchant);
  assertEquals(await shopkeeper.query({ kinds: [4], "#p": [merchant.pubkey] }), [order]);
  await client.authenticate(customer);
  assertEquals(await client.query({ kinds: [1059], "#p": [customer.pubkey] }), [wraps[0]!]);
  assertEquals(await client.query({ kinds: [1059] }), [wraps[0]!]);
  assertEquals(await client.query({ kinds: [1059], "#p": [customer.pubkey, other.pubkey] }), [wraps[0]!]);
  const error = await assertRejects(() => client.query({ kinds: [1059], "#p": [other.pubkey] }));
  assertStringIncludes(error.message, "restricted:");
  await client.subscribe("live", { kinds: [1059], "#p": [customer.pubkey, other.pubkey] });
  for (const key of [other, customer]) {
    const wrap = relay.key().sign({
      ...messageTo(key, 1059),
      tags: [["p", key.pubkey], ["p", merchant.pubkey]],
    });
    await shopkeeper.publish(wrap);
    if (key === customer) assertEquals(await client.live("live"), wrap);
  }
});

Deno.test("a banned key is refused, as soon as the ban is known", async () => {
  let admission: ReturnType<typeof buildAdmission> | undefined;
  const merchant = newKey();
  await using relay = await BuiltInRelay.serve({
    merchants: new Set([merchant.pubkey]),
    admission: ({ merchants, ...parts }) =>
      admission = buildAdmission({
        ...parts,
        servedMerchants: merchants,
        maxBytes: 65_536,
        minPow: 0,
        log: silentLog,
      }),
  });
  await using client = await relay.connect();
  const customer = relay.key();
  assertEquals(await client.publish(customer.sign(messageTo(merchant))), [true, ""]);
  await relay.database.kysely.insertInto("bans")
    .values({ merchant: merchant.pubkey, pubkey: customer.pubkey, reason: null, created_at: 0 }).execute();
  assertEquals((await client.publish(customer.sign({ ...messageTo(merchant), content: "2" })))[0], true);
  await relay.clock.advance(10_001);
  const [accepted, reason] = await client.publish(customer.sign({ ...messageTo(merchant), content: "3" }));
  assertEquals([accepted, reason], [false, "blocked: this merchant doesn't take messages from this key"]);
  assertEquals(admission!.counts(), { ban: 1 });
});

Deno.test("a customer whose clock is a day ahead may order; the year 2100 is no time", async () => {
  await using at = await merchantRelay();
  const { relay, merchant } = at;
  await using client = await relay.connect();
  const at_ = (seconds: number) =>
    relay.key().sign({ ...messageTo(merchant), created_at: relay.now() + seconds });
  assertEquals(await client.publish(at_(86_400)), [true, ""]);
  assertEquals(await client.publish(at_(-86_400 * 30)), [true, ""]);
  assertStringIncludes((await client.publish(at_(86_400 * 366)))[1], "invalid:");
});

Deno.test("proof of work is asked for when it is set", async () => {
  await using at = await merchantRelay({ minPow: 40 });
  await using client = await at.relay.connect();
  const [accepted, reason] = await client.publish(at.relay.key().sign(messageTo(at.merchant)));
  assertEquals(accepted, false);
  assertStringIncludes(reason, "pow:");
});

Deno.test("a full quota says rate-limited, and a customer who has paid before still gets in", async () => {
  const paid = newKey();
  await using at = await merchantRelay({
    limits: { eventsPerAddress: 2 },
    isRegular: (pubkey) => Promise.resolve(pubkey === paid.pubkey),
  });
  const { relay, merchant } = at;
  await using client = await relay.connect();
  const send = (key: Key, content: string) => client.publish(key.sign({ ...messageTo(merchant), content }));
  const fresh = relay.key();
  assertEquals((await send(fresh, "1"))[0], true);
  assertEquals((await send(fresh, "2"))[0], true);
  assertEquals(await send(fresh, "3"), [false, "rate-limited: too many events, slow down"]);
  assertEquals((await send(paid, "4"))[0], true);
  await relay.clock.advance(60_000);
  assertEquals((await send(fresh, "5"))[0], true);
});
