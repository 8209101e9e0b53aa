import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Behaviours, refused } from "./conformance_scene.ts";

/** What a relay for shops does beyond NIP-01. */
export const moreBehaviours: Behaviours = {
  "NIP-09: an author deletes by id, and the event stays away": async ({ alice, author }) => {
    const event = author.sign({});
    await alice.publish(event);
    assertEquals(
      (await alice.publish(author.sign({ kind: 5, tags: [["e", event.id], ["k", "1"]] })))[0],
      true,
    );
    assertEquals(await alice.query({ ids: [event.id] }), []);
    await alice.publish(event);
    assertEquals(await alice.query({ ids: [event.id] }), []);
  },
  "NIP-09: a deleted event that comes again is refused": async ({ alice, author }) => {
    const event = author.sign({});
    await alice.publish(author.sign({ kind: 5, tags: [["e", event.id]] }));
    await refused(alice, event, "invalid:");
  },
  "NIP-09: the deletion itself is kept and handed out": async ({ alice, bob, author }) => {
    await bob.subscribe("deletions", { kinds: [5], authors: [author.pubkey] });
    const event = author.sign({});
    const deletion = author.sign({ kind: 5, tags: [["e", event.id]] });
    await alice.publish(event);
    await alice.publish(deletion);
    assertEquals(await bob.live("deletions"), deletion);
    assertEquals(await alice.query({ ids: [deletion.id] }), [deletion]);
  },
  "NIP-09: nobody deletes another's event": async ({ alice, author, other }) => {
    const event = author.sign({});
    await alice.publish(event);
    await alice.publish(other.sign({ kind: 5, tags: [["e", event.id]] }));
    assertEquals(await alice.query({ ids: [event.id] }), [event]);
  },
  "NIP-09: by address what is older goes, what is newer stays": async ({ alice, author, relay }) => {
    const at = relay.now() - 50;
    const version = (d: string, ago: number) =>
      author.sign({ kind: 30_018, tags: [["d", d]], created_at: at - ago });
    const [older, newer] = [version("a:b", 1), version("c", -1)];
    for (const event of [older, newer]) await alice.publish(event);
    const tags = ["a:b", "c"].map((d) => ["a", `30018:${author.pubkey}:${d}`]);
    await alice.publish(author.sign({ kind: 5, tags, created_at: at }));
    assertEquals(await alice.query({ kinds: [30_018], authors: [author.pubkey] }), [newer]);
  },
  "NIP-11: the information document says what is supported": async ({ relay }) => {
    const response = await fetch(relay.url.replace("ws", "http"), {
      headers: { accept: "application/nostr+json" },
    });
    const document = await response.json();
    assertEquals(response.headers.get("access-control-allow-origin"), "*");
    assertEquals(typeof document.name, "string");
    for (const nip of [1, 9, 11, 40, 42, 45, 70]) assert(document.supported_nips.includes(nip), `NIP ${nip}`);
  },
  "NIP-40: an event that has expired is refused": async ({ alice, author, relay }) => {
    await refused(alice, author.sign({ tags: [["expiration", `${relay.now() - 1}`]] }), "invalid:");
  },
  "NIP-40: an event that expires is shown until then": async ({ alice, author, relay }) => {
    if (!relay.advance) return;
    const event = author.sign({ tags: [["expiration", `${relay.now() + 10}`]] });
    await alice.publish(event);
    assertEquals(await alice.query({ ids: [event.id] }), [event]);
    await relay.advance(11);
    assertEquals(await alice.query({ ids: [event.id] }), []);
  },
  "NIP-42: a challenge is given and its answer accepted": async ({ alice, author }) => {
    assertEquals((await alice.authenticate(author))[0], true);
  },
  "NIP-42: several keys may authenticate": async ({ alice, author, other }) => {
    await alice.authenticate(author, other);
    for (const key of [author, other]) {
      assertEquals(await alice.query({ kinds: [4, 1059], "#p": [key.pubkey] }), []);
    }
  },
  "NIP-42: who asks right behind AUTH asks as the key it names": async (
    { alice, bob, author, other, relay },
  ) => {
    for (const [client, keys] of [[alice, [author]], [bob, [author, other]]] as const) {
      const challenge = await client.challenge();
      client.send("REQ", "shop", { kinds: [1] });
      for (const key of keys) {
        const tags = [["relay", client.url], ["challenge", challenge]];
        client.send("AUTH", key.sign({ kind: 22_242, created_at: relay.now(), tags }));
      }
      for (const key of keys) client.send("REQ", key.pubkey, { kinds: [4, 1059], "#p": [key.pubkey] });
      for (const key of keys) {
        const [verb] = await client.take((m) => /^(EOSE|CLOSED)$/.test(m[0]) && m[1] === key.pubkey);
        assertEquals(verb, "EOSE");
      }
    }
  },
  "NIP-42: another's challenge, another relay, another time or a wrong signature isn't accepted": async (
    scene,
  ) => {
    const { alice, author, other, relay } = scene;
    const challenge = await alice.challenge();
    const answer = (o: { relay?: string; challenge?: string; created_at?: number; kind?: number }) =>
      author.sign({
        kind: o.kind ?? 22_242,
        created_at: o.created_at ?? relay.now(),
        tags: [["relay", o.relay ?? alice.url], ["challenge", o.challenge ?? challenge]],
      });
    const right = answer({});
    const wrong = [
      answer({ challenge: "1234" }),
      answer({ relay: "wss://relay.example" }),
      answer({ created_at: relay.now() - 1_200 }),
      answer({ kind: 1 }),
      { ...right, sig: other.sign({}).sig },
    ];
    for (const event of wrong) {
      alice.send("AUTH", event);
      const [, , accepted] = await alice.take((m) => m[0] === "OK" && m[1] === event.id);
      assertEquals(accepted, false, JSON.stringify(event));
    }
    const error = await assertRejects(() => alice.query({ kinds: [4] }));
    assertStringIncludes(error.message, "CLOSED");
  },
  "NIP-42: the answer to a challenge is no event to publish": async ({ alice, bob, author }) => {
    await bob.subscribe("auth", { kinds: [22_242], authors: [author.pubkey] });
    await bob.subscribe("control", { kinds: [1], authors: [author.pubkey] });
    await alice.publish(author.sign({ kind: 22_242 }));
    await alice.publish(author.sign({}));
    await bob.live("control");
    assertEquals(bob.heard((m) => m[0] === "EVENT" && m[1] === "auth"), []);
  },
  "NIP-45: COUNT counts": async ({ alice, author }) => {
    for (let n = 0; n < 3; n++) await alice.publish(author.sign({ kind: 7, content: `${n}` }));
    const [verb, , result] = await alice.count({ kinds: [7], authors: [author.pubkey] });
    assertEquals([verb, result.count], ["COUNT", 3]);
  },
  "NIP-59: a gift wrap is for its recipient only": async ({ alice, bob, author, other }) => {
    const wrap = author.sign({ kind: 1059, tags: [["p", other.pubkey]] });
    await alice.publish(wrap);
    const mine = { kinds: [1059], "#p": [other.pubkey] };
    assertStringIncludes((await assertRejects(() => bob.query(mine))).message, "auth-required:");
    await bob.authenticate(other);
    assertEquals(await bob.query(mine), [wrap]);
    assertStringIncludes(
      (await assertRejects(() => bob.query({ kinds: [1059], "#p": [author.pubkey] }))).message,
      "restricted:",
    );
  },
  "NIP-70: a protected event is taken from its author only": async ({ alice, author }) => {
    const event = author.sign({ tags: [["-"]] });
    await refused(alice, event, "auth-required:");
    await alice.authenticate(author);
    assertEquals(await alice.publish(event), [true, ""]);
  },
  "NIP-70: a protected event isn't taken from another": async ({ alice, author, other }) => {
    await alice.authenticate(other);
    await refused(alice, author.sign({ tags: [["-"]] }), "restricted:");
  },
};
