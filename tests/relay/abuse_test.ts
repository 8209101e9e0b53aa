import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Verifier } from "../../src/nostr/verify.ts";
import { loadVerifier } from "../../src/nostr/verify.ts";
import { settle } from "../support/fake_clock.ts";
import { newKey, NostrClient } from "../support/nostr_client.ts";
import { merchantRelay, messageTo } from "./merchant_relay.ts";

/** A verifier that counts what it is asked. */
async function counting(): Promise<Verifier & { asked: number }> {
  const { verify } = await loadVerifier().then((own) => ({ verify: (event: never) => own.verify(event) }));
  const verifier = {
    asked: 0,
    verify: (event: never) => {
      verifier.asked++;
      return verify(event);
    },
  };
  return verifier as Verifier & { asked: number };
}

const prefix = ([accepted, reason]: [boolean, string]) => accepted ? "ok" : reason.split(":")[0];

Deno.test("what isn't wanted costs no signature check: foreign wraps and kinds, too many p tags, size, an old expiry", async () => {
  const verifier = await counting();
  await using at = await merchantRelay({ verifier });
  const { relay, merchant } = at;
  await using client = await relay.connect();
  const others = Array.from({ length: 10 }, () => ["p", relay.key().pubkey]);
  const wanted = messageTo(merchant);
  const junk = [
    messageTo(relay.key(), 1059),
    messageTo(relay.key(), 4),
    { ...wanted, tags: [["P", merchant.pubkey]] },
    { ...wanted, tags: [["p", merchant.pubkey.toUpperCase()]] },
    { ...wanted, tags: [["p"]] },
    { ...wanted, tags: [] },
    { ...wanted, tags: [...others, ...wanted.tags] },
    ...[0, 1, 5, 7, 13, 1060, 10_050, 20_001, 21_059, 30_018].map((kind) => messageTo(merchant, kind)),
    { ...wanted, content: "x".repeat(70_000) },
    { ...wanted, tags: [...wanted.tags, ["expiration", `${relay.now() - 1}`]] },
    { ...wanted, tags: [...wanted.tags, ["-"]] },
    { ...messageTo(merchant, 22_242) },
  ];
  for (const template of junk) {
    const answer = await client.publish(relay.key().sign(template));
    assertMatch(answer[1], /^(blocked|invalid|auth-required): /, JSON.stringify(template).slice(0, 100));
  }
  assertEquals(verifier.asked, 0);
  assertEquals(await relay.store.query([{}]), []);
  const nine = { ...wanted, tags: [...others.slice(1), ...wanted.tags] };
  assertEquals(await client.publish(relay.key().sign(nine)), [true, ""]);
});

Deno.test("over its quota an address is refused without a check; a regular isn't, unless the signature is somebody else's", async () => {
  const verifier = await counting();
  const regular = newKey();
  await using at = await merchantRelay({
    verifier,
    limits: { eventsPerAddress: 1, claimsPerAddress: 3, forgeriesPerAddress: 2 },
    isRegular: (pubkey) => Promise.resolve(pubkey === regular.pubkey),
  });
  const { relay, merchant } = at;
  await using client = await relay.connect();
  const event = (key = relay.key(), content = crypto.randomUUID()) =>
    key.sign({ ...messageTo(merchant), content, created_at: relay.now() });
  const forged = () => ({ ...event(), pubkey: regular.pubkey });
  assertEquals(await client.publish(event()), [true, ""]);
  assertEquals(prefix(await client.publish(event())), "rate-limited");
  assertEquals(verifier.asked, 1);
  assertEquals(await client.publish(event(regular)), [true, ""]);
  assertEquals([prefix(await client.publish(forged())), prefix(await client.publish(forged()))], [
    "invalid",
    "invalid",
  ]);
  assertEquals(verifier.asked, 4);
  // Two forgeries: whatever comes from there now isn't believed for a while, whoever it says that it is.
  assertEquals(prefix(await client.publish(event(regular))), "rate-limited");
  assertEquals(verifier.asked, 4);
  await relay.clock.advance(60_000);
  assertEquals(await client.publish(event(regular)), [true, ""]);
  const { forged: refusedAsForged, quota } = relay.server.counts();
  assertEquals([refusedAsForged, quota], [3, 1]);
});

Deno.test("a wrap says nothing about its author: it is a regular's when the connection authenticated as one", async () => {
  const regular = newKey();
  let authenticated: readonly string[] = [];
  await using at = await merchantRelay({
    limits: { eventsPerAddress: 1 },
    isRegular: (pubkey) => Promise.resolve(pubkey === regular.pubkey),
    onArrival: (_tx, [arrival]) => Promise.resolve(authenticated = arrival!.authenticated ?? []),
  });
  const { relay, merchant } = at;
  await using client = await relay.connect();
  const wrap = () => relay.key().sign(messageTo(merchant, 1059));
  assertEquals(await client.publish(wrap()), [true, ""]);
  assertEquals(prefix(await client.publish(wrap())), "rate-limited");
  const challenge = await client.challenge();
  const tags = [["relay", relay.url], ["challenge", challenge]];
  client.send("AUTH", regular.sign({ kind: 22_242, tags, created_at: relay.now() }));
  await client.take((message) => message[0] === "OK" && message[2] === true);
  assertEquals(await client.publish(wrap()), [true, ""]);
  assertEquals(authenticated, [regular.pubkey]);
});

Deno.test("while the inbox is behind strangers wait at the door, then are sent away; regulars come in", async () => {
  const regular = newKey();
  const strangers = { welcome: false, full: false };
  await using at = await merchantRelay({
    strangers,
    isRegular: (pubkey) => Promise.resolve(pubkey === regular.pubkey),
  });
  const { relay, merchant } = at;
  await using client = await relay.connect();
  const sign = (key = relay.key()) => key.sign({ ...messageTo(merchant), created_at: relay.now() });
  const [late, soon] = [sign(), sign()];
  client.send("EVENT", late);
  assertEquals(await client.publish(sign(regular)), [true, ""]);
  await relay.clock.advance(5_100);
  const [, , accepted, reason] = await client.take((message) => message[1] === late.id);
  assertEquals(prefix([accepted, reason]), "rate-limited");
  assertEquals(await relay.store.query([{ ids: [late.id] }]), []);
  client.send("EVENT", soon);
  // A question that is answered shows that the event before it was looked at.
  await client.query({ kinds: [1] });
  strangers.welcome = true;
  await relay.clock.advance(100);
  assertEquals((await client.take((message) => message[1] === soon.id))[2], true);
});

Deno.test("when nothing more of strangers can be kept they are told so, before their signatures are checked", async () => {
  const verifier = await counting();
  const regular = newKey();
  await using at = await merchantRelay({
    verifier,
    strangers: { welcome: true, full: true },
    isRegular: (pubkey) => Promise.resolve(pubkey === regular.pubkey),
  });
  const { relay, merchant } = at;
  await using client = await relay.connect();
  const sign = (key = relay.key()) => key.sign({ ...messageTo(merchant), created_at: relay.now() });
  assertEquals(prefix(await client.publish(sign())), "rate-limited");
  assertEquals(verifier.asked, 0);
  assertEquals(await client.publish(sign(regular)), [true, ""]);
});

Deno.test("limits: events of one key, what an address leaves in a day, connections in a minute", async () => {
  await using at = await merchantRelay({
    limits: { burstPerKey: 2, eventsPerKey: 60, keptPerAddressAndDay: 4, connectsPerAddress: 2 },
  });
  const { relay, merchant } = at;
  const key = relay.key();
  await using client = await relay.connect();
  const send = (who = relay.key()) =>
    client.publish(who.sign({ ...messageTo(merchant), content: crypto.randomUUID() }));
  assertEquals([await send(key), await send(key)].map(prefix), ["ok", "ok"]);
  assertEquals(prefix(await send(key)), "rate-limited");
  assertEquals(prefix(await send()), "ok");
  assertEquals(prefix(await send()), "rate-limited");
  {
    await using _second = await relay.connect();
    await assertRejects(() => relay.connect(), Error, "can't connect");
  }
  await relay.clock.advance(60_000);
  await using _again = await relay.connect();
  await relay.clock.advance(24 * 3_600_000);
  assertEquals([await send(key), await send()].map(prefix), ["ok", "ok"]);
});

Deno.test("who doesn't slow down is hung up on: refusals, and messages of any sort", async () => {
  await using at = await merchantRelay({
    limits: { eventsPerAddress: 1, claimsPerAddress: 0, refusalsPerConnection: 3, messagesPerAddress: 50 },
  });
  const { relay, merchant } = at;
  await using eager = await relay.connect();
  const sign = () => relay.key().sign(messageTo(merchant));
  for (let n = 0; n < 4; n++) await eager.publish(sign());
  eager.send("EVENT", sign());
  assertEquals((await eager.closed()).code, 1008);
  await using chatty = await relay.connect();
  for (let n = 0; n < 60; n++) chatty.send("CLOSE", "x");
  await chatty.closed();
  assertEquals(relay.server.counts().hung_up, 2);
  await relay.clock.advance(60_000);
  await using calm = await relay.connect();
  assertEquals(prefix(await calm.publish(sign())), "ok");
});

Deno.test("a hundred clients subscribe and publish at once, junk among them: everybody is answered, every order is kept", async () => {
  const refusing = { welcome: true, full: false };
  await using at = await merchantRelay({
    strangers: refusing,
    limits: { eventsPerAddress: 10_000, messagesPerAddress: 10_000, forgeriesPerAddress: 50 },
  });
  const { relay, merchant } = at;
  const crowd = Array.from({ length: 100 }, () => {
    const key = relay.key();
    const order = key.sign(messageTo(merchant));
    const foreign = key.sign(messageTo(key, 1059));
    return { key, order, junk: [foreign, { ...order, id: foreign.id }] };
  });
  const clients = await Promise.all(crowd.map(() => NostrClient.connect(relay.url, 60_000)));
  const answers = await Promise.all(clients.map(async (client, n) => {
    const { key, order, junk } = crowd[n]!;
    const [refused] = await Promise.all([
      Promise.all(junk.map((event) => client.publish(event))),
      client.subscribe("mine", { kinds: [4], "#p": [key.pubkey] }, { kinds: [4], authors: [key.pubkey] }),
      client.subscribe("all", {}),
    ]);
    assert(refused.every(([accepted]) => !accepted), `client ${n}: ${refused}`);
    return { order, answer: await client.publish(order), client };
  }));
  const lost = answers.filter(({ answer }) => prefix(answer) === "rate-limited");
  for (const { order, answer, client } of answers) {
    if (answer[0]) assertEquals((await client.live("mine")).id, order.id);
    assertEquals(client.heard((message) => message[0] === "EVENT"), []);
  }
  // All came from one address, which forged so much that the last ones aren't believed; none was taken and lost.
  const kept = await relay.database.kysely.selectFrom("inbox").select("event_id").execute();
  assertEquals(kept.length, 100 - lost.length);
  assertEquals((await relay.store.count([{ kinds: [4] }])).count, kept.length);
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  await settle();
  assertEquals(relay.server.connections(), 0);
});
