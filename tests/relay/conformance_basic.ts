import { assertEquals, assertMatch } from "@std/assert";
import { type Behaviours, ids, refused } from "./conformance_scene.ts";

/** NIP-01: what every relay does. */
export const basicBehaviours: Behaviours = {
  "NIP-01: an event is stored and comes back with its seven fields": async ({ alice, bob, author }) => {
    const event = author.sign({ content: "häuser 🏮", tags: [["t", "x"], []] });
    assertEquals(await alice.publish(event), [true, ""]);
    assertEquals(await bob.query({ ids: [event.id] }), [event]);
  },
  "NIP-01: a wrong signature is refused": async ({ alice, bob, author, other }) => {
    const event = author.sign({ content: "a" });
    await refused(alice, { ...event, sig: other.sign({ content: "a" }).sig }, "invalid:");
    assertEquals(await bob.query({ ids: [event.id] }), []);
  },
  "NIP-01: content that doesn't belong to the id is refused": async ({ alice, author }) => {
    const event = author.sign({ content: "1 sat" });
    await refused(alice, { ...event, content: "2 sat" }, "invalid:");
  },
  "NIP-01: the same event twice is accepted as a duplicate": async ({ alice, author }) => {
    const event = author.sign({});
    await alice.publish(event);
    const [accepted, reason] = await alice.publish(event);
    assertEquals(accepted, true);
    assertMatch(reason, /^duplicate:/);
  },
  "NIP-01: a filter's conditions all hold, a condition's values are alternatives": async (
    { alice, author, other },
  ) => {
    const [a, b] = [
      author.sign({ kind: 7, tags: [["t", "x"]] }),
      other.sign({ kind: 7, tags: [["t", "y"]] }),
    ];
    for (const event of [a, b]) await alice.publish(event);
    assertEquals(ids(await alice.query({ kinds: [7], "#t": ["x", "y"] })), ids([a, b]));
    assertEquals(
      ids(await alice.query({ kinds: [7], authors: [author.pubkey], "#t": ["x", "y"] })),
      ids([a]),
    );
    assertEquals(await alice.query({ kinds: [8], "#t": ["x"] }), []);
  },
  "NIP-01: since and until include their second": async ({ alice, author, relay }) => {
    const event = author.sign({ kind: 7, created_at: relay.now() - 50 });
    await alice.publish(event);
    const at = event.created_at;
    const only = { authors: [author.pubkey] };
    assertEquals((await alice.query({ ...only, since: at, until: at })).length, 1);
    assertEquals(await alice.query({ ...only, since: at + 1 }), []);
    assertEquals(await alice.query({ ...only, until: at - 1 }), []);
  },
  "NIP-01: results come newest first, the lower id first in a second": async ({ alice, author, relay }) => {
    const at = relay.now() - 100;
    const events = [2, 0, 1, 1, 1].map((n, i) => author.sign({ content: `${i}`, created_at: at + n }));
    for (const event of events) await alice.publish(event);
    const sorted = events.sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
    const found = await alice.query({ kinds: [1], authors: [author.pubkey] });
    assertEquals(found.map((event) => event.id), sorted.map((event) => event.id));
  },
  "NIP-01: limit takes the newest": async ({ alice, author, relay }) => {
    for (let n = 0; n < 4; n++) {
      await alice.publish(author.sign({ content: `${n}`, created_at: relay.now() - 50 + n }));
    }
    const found = await alice.query({ kinds: [1], authors: [author.pubkey], limit: 2 });
    assertEquals(found.map((event) => event.content), ["3", "2"]);
  },
  "NIP-01: limit 0 shows nothing stored, and still what is new": async ({ alice, bob, author }) => {
    // An event is old once others have heard of it.
    await bob.subscribe("control", { authors: [author.pubkey] });
    await alice.publish(author.sign({ content: "old" }));
    await bob.live("control");
    const { events } = await bob.subscribe("zero", { authors: [author.pubkey], limit: 0 });
    assertEquals(events, []);
    await alice.publish(author.sign({ content: "new" }));
    assertEquals((await bob.live("zero")).content, "new");
  },
  "NIP-01: several filters show an event once": async ({ alice, author }) => {
    const event = author.sign({ kind: 7 });
    await alice.publish(event);
    assertEquals(await alice.query({ ids: [event.id] }, { kinds: [7], authors: [author.pubkey] }), [event]);
  },
  "NIP-01: of a replaceable kind the newest stays, whichever comes first": async (
    { alice, author, relay },
  ) => {
    const [older, newer] = [20, 10].map((ago) =>
      author.sign({ kind: 10_002, created_at: relay.now() - ago })
    );
    await alice.publish(newer!);
    await alice.publish(older!);
    assertEquals(await alice.query({ kinds: [10_002], authors: [author.pubkey] }), [newer!]);
  },
  "NIP-01: of one second the lower id stays": async ({ alice, author, relay }) => {
    const created_at = relay.now() - 10;
    const versions = ["a", "b"].map((content) =>
      author.sign({ kind: 30_018, tags: [["d", "tie"]], content, created_at })
    );
    for (const event of versions) await alice.publish(event);
    const lower = versions.sort((a, b) => a.id < b.id ? -1 : 1)[0]!;
    assertEquals(await alice.query({ kinds: [30_018], authors: [author.pubkey] }), [lower]);
  },
  "NIP-01: an addressable kind has a version for each d": async ({ alice, author, relay }) => {
    const version = (d: string, ago: number) =>
      author.sign({ kind: 30_018, tags: [["d", d]], created_at: relay.now() - ago });
    const [old, now, another] = [version("x", 20), version("x", 10), version("y", 15)];
    for (const event of [old, now, another]) await alice.publish(event);
    assertEquals(ids(await alice.query({ kinds: [30_018], authors: [author.pubkey] })), ids([now, another]));
    assertEquals(await alice.query({ kinds: [30_018], authors: [author.pubkey], "#d": ["x"] }), [now]);
  },
  "NIP-01: an ephemeral event is handed out and not kept": async ({ alice, bob, author }) => {
    await bob.subscribe("now", { kinds: [23_194], authors: [author.pubkey] });
    const event = author.sign({ kind: 23_194 });
    assertEquals((await alice.publish(event))[0], true);
    assertEquals(await bob.live("now"), event);
    assertEquals(await alice.query({ kinds: [23_194], authors: [author.pubkey] }), []);
  },
  "NIP-01: what is new arrives once, until CLOSE": async ({ alice, bob, author }) => {
    await bob.subscribe("open", { authors: [author.pubkey], kinds: [1] });
    await bob.subscribe("control", { authors: [author.pubkey] });
    const first = author.sign({ content: "1" });
    await alice.publish(first);
    assertEquals(await bob.live("open"), first);
    bob.send("CLOSE", "open");
    // Its answer comes after the CLOSE was heard.
    await bob.query({ ids: [first.id] });
    const second = author.sign({ content: "2" });
    await alice.publish(second);
    assertEquals([await bob.live("control"), await bob.live("control")], [first, second]);
    await bob.query({ ids: [first.id] });
    assertEquals(bob.heard((m) => m[0] === "EVENT" && m[1] === "open"), []);
  },
  "NIP-01: a REQ takes the place of one with the same id": async ({ alice, bob, author }) => {
    await bob.subscribe("one", { authors: [author.pubkey], kinds: [1] });
    await bob.subscribe("one", { authors: [author.pubkey], kinds: [7] });
    await alice.publish(author.sign({ kind: 1 }));
    const wanted = author.sign({ kind: 7 });
    await alice.publish(wanted);
    assertEquals(await bob.live("one"), wanted);
  },
  "NIP-01: junk is answered with NOTICE and the connection goes on": async ({ alice, author }) => {
    for (const junk of ["", "{", "nonsense", "[]", "{}", '["WHAT"]', '["EVENT"]', "null", "42"]) {
      alice.raw(junk);
      await alice.take((m) => m[0] === "NOTICE");
    }
    const event = author.sign({});
    assertEquals(await alice.publish(event), [true, ""]);
  },
};
