import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { RelayError } from "@nostrify/nostrify";
import type { NostrEvent, NostrFilter } from "@nostrify/types";
import type { EventStore, EventStoreOptions } from "../../src/nostr/event_store.ts";
import { ALICE, BOB, CAROL, idLike, sample } from "./event_samples.ts";

/** What the suite needs of a store: NStore's and NRelay's methods, so that other classes can be put to it too. */
export type StoreUnderTest = Pick<
  EventStore,
  "event" | "query" | "count" | "remove" | "req" | "transaction" | "migrate"
>;

/** Opens a store on an empty database of its own. */
export type MakeStore = (options?: EventStoreOptions) => Promise<{ store: StoreUnderTest } & AsyncDisposable>;

/** The contract of the event store, one test for each clause of it; the letters are the design's. */
export function storeSuite(name: string, makeStore: MakeStore, { ignore = false } = {}): void {
  const test = (title: string, fn: (store: StoreUnderTest) => Promise<void>, options?: EventStoreOptions) =>
    Deno.test({
      name: `${title} (${name})`,
      ignore,
      fn: async () => {
        await using made = await makeStore(options);
        await fn(made.store);
      },
    });

  // S: shape

  test("S1 migrate() again changes nothing", async (store) => {
    await store.event(sample());
    await store.migrate();
    await store.migrate();
    assertEquals(await ids(store, [{}]), [sample().id]);
  });

  test("S1 transaction() commits all or nothing", async (store) => {
    const [a, b] = [sample({ content: "a" }), sample({ content: "b" })];
    await assertRejects(
      () =>
        store.transaction(async (inner) => {
          await inner.event(a);
          assertEquals(await ids(inner, [{}]), [a.id]);
          throw new Error("no");
        }),
      Error,
      "no",
    );
    assertEquals(await ids(store, [{}]), []);
    await store.transaction(async (inner) => {
      await inner.event(a);
      await inner.event(b);
    });
    assertEquals((await store.count([{}])).count, 2);
  });

  test("S1 transaction() inside a transaction opens no other", async (store) => {
    const event = sample({ kind: 5, tags: [["e", idLike("1")]] });
    await assertRejects(() =>
      store.transaction(async (outer) => {
        await outer.transaction(async (inner, kysely) => {
          assert(kysely.isTransaction);
          await inner.event(event);
        });
        throw new Error("no");
      })
    );
    assertEquals(await ids(store, [{}]), []);
  });

  test("S1 transaction() hands the options on", async (store) => {
    const event = sample({ tags: [["color", "red"]] });
    await store.transaction((inner) => inner.event(event));
    assertEquals(await ids(store, [{ "#color": ["red"] }]), [event.id]);
  }, { indexTags: (event) => event.tags });

  // E: event()

  test("E1 event() doesn't store ephemeral events", async (store) => {
    await store.event(sample({ kind: 20000 }));
    await store.event(sample({ kind: 29999 }));
    assertEquals(await ids(store, [{}]), []);
  });

  test("E2 event() takes the same event again without a change", async (store) => {
    for (const kind of [1, 0, 30018, 5]) {
      const event = sample({ kind, tags: [["d", "x"], ["t", "y"]] });
      await store.event(event);
      await store.event(event);
      assertEquals(await store.query([{ kinds: [kind] }]), [event]);
      assertEquals(await store.query([{ kinds: [kind], "#t": ["y"] }]), [event]);
    }
  });

  test("E2 event() takes the same event again inside a transaction, which goes on", async (store) => {
    const [known, fresh] = [sample({ tags: [["t", "x"]] }), sample({ content: "fresh" })];
    await store.event(known);
    await store.transaction(async (inner) => {
      await inner.event(known);
      await inner.event(known);
      await inner.event(fresh);
    });
    assertEquals((await store.count([{}])).count, 2);
  });

  test("E3 event() keeps the newest of a replaceable kind", async (store) => {
    for (const kind of [0, 3, 10002, 19999]) {
      const [old, middle, newest] = [1, 2, 3].map((created_at) =>
        sample({ kind, created_at, tags: [["t", `${created_at}`]] })
      );
      for (const event of [middle!, old!, newest!, middle!]) await store.event(event);
      assertEquals(await store.query([{ kinds: [kind] }]), [newest!]);
      assertEquals(
        await ids(store, [{ kinds: [kind], "#t": ["2"] }]),
        [],
        "the older version's tags are gone",
      );
      assertEquals(await ids(store, [{ kinds: [kind], "#t": ["3"] }]), [newest!.id]);
    }
    await store.event(sample({ kind: 0, pubkey: BOB, created_at: 1 }));
    assertEquals((await store.count([{ kinds: [0] }])).count, 2);
  });

  test("E3 event() keeps the newest of each address", async (store) => {
    const version = (created_at: number, d: string) => sample({ kind: 30018, created_at, tags: [["d", d]] });
    for (const event of [version(2, "a"), version(1, "a"), version(3, "a"), version(1, "b")]) {
      await store.event(event);
    }
    assertEquals(await ids(store, [{}]), [version(3, "a").id, version(1, "b").id]);
  });

  test("E3 event() keeps the lower id of one second, whichever comes first", async (store) => {
    for (const kind of [0, 30018]) {
      const [low, high] = ["1", "2"].map((letters) =>
        sample({ kind, id: idLike(`${letters}${kind}`), tags: [["d", "x"]] })
      );
      for (const order of [[low!, high!], [high!, low!]]) {
        for (const event of order) await store.event(event);
        assertEquals(await ids(store, [{ kinds: [kind] }]), [low!.id]);
        await store.remove([{ kinds: [kind] }]);
      }
    }
  });

  test("E4 event() takes a missing d tag for an empty one", async (store) => {
    await store.event(sample({ kind: 30018, created_at: 1 }));
    await store.event(sample({ kind: 30018, created_at: 2, tags: [["d", ""]] }));
    await store.event(sample({ kind: 30018, created_at: 3, tags: [["d"]] }));
    const events = await store.query([{ kinds: [30018], authors: [ALICE], "#d": [""] }]);
    assertEquals(events.map((event) => event.created_at), [3]);
  });

  test("E5 a deletion is stored and removes its author's events by id", async (store) => {
    const [mine, other, foreign] = [sample(), sample({ content: "other" }), sample({ pubkey: BOB })];
    for (const event of [mine, other, foreign]) await store.event(event);
    const deletion = sample({ kind: 5, tags: [["e", mine.id], ["e", foreign.id], ["e"], ["e", "?"]] });
    await store.event(deletion);
    assertEquals(await sortedIds(store, [{}]), [other, foreign, deletion].map((event) => event.id).sort());
    assertEquals(await store.query([{ kinds: [5] }]), [deletion]);
  });

  test("E5 a deletion removes an address's versions up to its own time", async (store) => {
    for (const [kind, d] of [[0, ""], [10002, ""], [30018, "x"], [30018, ""]] as const) {
      const old = sample({ kind, created_at: 10, tags: [["d", d]] });
      const deletion = (created_at: number) =>
        sample({ kind: 5, created_at, tags: [["a", `${kind}:${ALICE}:${d}`]] });
      await store.event(old);
      await store.event(deletion(9));
      assertEquals(await ids(store, [{ kinds: [kind] }]), [old.id]);
      await store.event(deletion(10));
      assertEquals(await ids(store, [{ kinds: [kind] }]), []);
    }
  });

  test("E5 a deletion's address is exact: colons belong to d, and empty means empty", async (store) => {
    const at = (d: string, kind = 30402) => sample({ kind, tags: [["d", d]] });
    for (const event of [at("foo"), at("foo:bar"), at(""), at("foo", 30403)]) await store.event(event);
    await store.event(sample({ kind: 5, content: "1", tags: [["a", `30402:${ALICE}:foo:bar`]] }));
    assertEquals(
      await sortedIds(store, [{ kinds: [30402, 30403] }]),
      [at("foo").id, at("").id, at("foo", 30403).id].sort(),
    );
    await store.event(sample({ kind: 5, content: "2", tags: [["a", `30402:${ALICE}:`]] }));
    assertEquals(
      await sortedIds(store, [{ kinds: [30402, 30403] }]),
      [at("foo").id, at("foo", 30403).id].sort(),
    );
  });

  test("E5 a deletion leaves what is no address of its author's alone", async (store) => {
    const kept = [
      sample({ kind: 30018, pubkey: BOB, tags: [["d", "x"]] }),
      sample({ kind: 1 }),
      sample({ kind: 10002 }),
    ];
    for (const event of kept) await store.event(event);
    const addresses = [
      `30018:${BOB}:x`,
      `1:${ALICE}:`,
      `10002:${ALICE}`,
      `10002:${ALICE}:x`,
      `010002:${ALICE}:`,
      "",
      ":",
      `x:${ALICE}:`,
    ];
    await store.event(sample({ kind: 5, tags: addresses.map((address) => ["a", address]) }));
    assertEquals(
      await sortedIds(store, [{ kinds: [1, 10002, 30018] }]),
      kept.map((event) => event.id).sort(),
    );
  });

  test("E6 a deleted event stays refused", async (store) => {
    const event = sample();
    await store.event(sample({ kind: 5, tags: [["e", event.id]] }));
    await assertRejects(() => store.event(event), RelayError, "invalid: ");
    await store.transaction(async (inner) => {
      await assertRejects(() => inner.event(event), RelayError, "deleted");
      await inner.event(sample({ content: "the transaction goes on" }));
    });
    assertEquals((await store.query([{ kinds: [1] }])).map((e) => e.content), ["the transaction goes on"]);
  });

  test("E6 another author's deletion refuses nothing", async (store) => {
    const [event, product] = [sample(), sample({ kind: 30018, tags: [["d", "x"]] })];
    await store.event(sample({ kind: 5, pubkey: BOB, tags: [["e", event.id], ["a", `30018:${ALICE}:x`]] }));
    await store.event(event);
    await store.event(product);
    assertEquals((await store.count([{ authors: [ALICE] }])).count, 2);
  });

  test("E6 a deleted address refuses versions of its second and before, not later ones", async (store) => {
    for (const [kind, d] of [[0, ""], [30018, "a:b"], [30018, "long ".repeat(60)]] as const) {
      const version = (created_at: number) => sample({ kind, created_at, tags: [["d", d]] });
      await store.event(sample({ kind: 5, created_at: 10, tags: [["a", `${kind}:${ALICE}:${d}`]] }));
      await assertRejects(() => store.event(version(9)), RelayError, "deleted");
      await assertRejects(() => store.event(version(10)), RelayError, "deleted");
      await store.event(version(11));
      assertEquals(await ids(store, [{ kinds: [kind] }]), [version(11).id]);
      await assertRejects(() => store.event(version(10)), RelayError, "deleted");
      await store.remove([{ kinds: [kind] }]);
    }
  });

  test("E6 a deletion holds where the caller doesn't index e and a", async (store) => {
    const event = sample();
    await store.event(sample({ kind: 5, tags: [["e", event.id]] }));
    assertEquals(await ids(store, [{ "#e": [event.id] }]), []);
    await assertRejects(() => store.event(event), RelayError, "deleted");
  }, { indexTags: () => [] });

  test("E7 a deletion can't be deleted", async (store) => {
    const event = sample();
    const deletion = sample({ kind: 5, tags: [["e", event.id]] });
    await store.event(deletion);
    await store.event(sample({ kind: 5, tags: [["e", deletion.id], ["a", `5:${ALICE}:`]] }));
    assertEquals((await store.count([{ kinds: [5] }])).count, 2);
    await store.event(deletion);
    assertEquals((await store.count([{ kinds: [5] }])).count, 2);
    await assertRejects(() => store.event(event), RelayError, "deleted");
  });

  test("E7 a deletion is stored though another one names it", async (store) => {
    const deletion = sample({ kind: 5, tags: [["e", idLike("1")]] });
    await store.event(sample({ kind: 5, tags: [["e", deletion.id]] }));
    await store.event(deletion);
    assertEquals((await store.count([{ kinds: [5] }])).count, 2);
  });

  test("E10 event() doesn't judge ids and signatures", async (store) => {
    const odd = sample({ kind: 5, id: "", sig: "" });
    await store.event(odd);
    assertEquals(await store.query([{}]), [odd]);
  });

  test("E11 event() takes empty tags", async (store) => {
    const event = sample({ kind: 30018, tags: [[], [""], ["d"], ["p", ""], ["expiration"]] });
    await store.event(event);
    await store.event(sample({ kind: 5, tags: [[], ["e"], ["a"]] }));
    assertEquals(await store.query([{ kinds: [30018] }]), [event]);
  });

  test("E11 event() refuses what a database can't hold, and its transaction goes on", async (store) => {
    const unstorable: Partial<NostrEvent>[] = [
      { content: "a\0b" },
      { tags: [["t", "a\0b"]] },
      { content: "half a \ud83d" },
      { kind: -1 },
      { kind: 2 ** 31 },
      { kind: 1.5 },
      { created_at: -1 },
      { created_at: 2 ** 60 },
      { created_at: 0.5 },
      { id: "a".repeat(65) },
      { kind: 30018, tags: [["d", "\u00e9".repeat(1025)]] },
    ];
    await store.transaction(async (inner) => {
      for (const fields of unstorable) {
        await assertRejects(() => inner.event(sample(fields)), RelayError, "invalid: ");
      }
    });
    const event = sample({ content: "\u{1f600} \\u0000 \\ ' \" \u2028", tags: [["t", "\u{1f600}"]] });
    await store.event(event);
    assertEquals(await store.query([{ "#t": ["\u{1f600}"] }]), [event]);
  });

  test("E11 event() takes the longest d there may be, and hundreds of tags", async (store) => {
    const d = Array.from({ length: 2048 }, (_, i) => String.fromCharCode(33 + (i * 7919) % 93)).join("");
    const event = sample({
      kind: 30018,
      tags: [["d", d], ...Array.from({ length: 300 }, (_, i) => ["t", `${i}`])],
    });
    await store.event(event);
    assertEquals(await store.query([{ kinds: [30018], authors: [ALICE], "#d": [d] }]), [event]);
    assertEquals(await store.query([{ "#t": ["299"] }]), [event]);
  });

  test("E12 event() leaves its argument alone, query() returns exactly seven fields", async (store) => {
    const event = sample({ kind: 30018, tags: [["d", "x"], ["t", "y"]] });
    const before = structuredClone(event);
    Object.freeze(event.tags);
    await store.event({ ...Object.freeze(event), extra: 1 } as NostrEvent);
    event.tags[0]![1] = "changed";
    const [found] = await store.query([{}]);
    assertEquals(found, before);
    assertEquals(Object.keys(found!).sort(), [
      "content",
      "created_at",
      "id",
      "kind",
      "pubkey",
      "sig",
      "tags",
    ]);
  });

  // Q: query()

  test("Q1 filters that can't match find nothing", async (store) => {
    await store.event(sample({ kind: 30018, tags: [["d", "x"], ["t", "y"]] }));
    const empty: NostrFilter[] = [{ ids: [] }, { kinds: [] }, { authors: [] }, { "#t": [] }, {
      "#d": [],
      kinds: [30018],
    }, { limit: 0 }];
    assertEquals(await store.query([]), []);
    for (const filter of [...empty, { limit: -1 }]) {
      assertEquals(await store.query([filter]), [], JSON.stringify(filter));
    }
    assertEquals(await store.query(empty), []);
    assertEquals((await store.query([...empty, {}])).length, 1);
  });

  test("Q1 values that no event has find nothing, whatever they are", async (store) => {
    await store.event(sample({ tags: [["t", "y"]] }));
    const odd: NostrFilter[] = [
      { ids: ["a\0b"] },
      { ids: ["a".repeat(65)] },
      { authors: ["\ud83d"] },
      { "#t": ["\0"] },
      { kinds: [2 ** 40] },
      { kinds: [-1, 1.5] },
      { since: 1e300 },
      { until: -1e300 },
      { ["#\0" as "#x"]: ["y"] },
      { search: "\0" },
    ];
    for (const filter of odd) assertEquals(await store.query([filter]), [], JSON.stringify(filter));
    const all = {
      ids: undefined,
      "#t": undefined,
      search: "",
      unknown: 1,
      since: -5,
      until: 1e300,
      limit: 1e300,
    };
    assertEquals((await store.query([all as unknown as NostrFilter])).length, 1);
  });

  test("Q2 fields narrow, values and filters widen, since and until include", async (store) => {
    const events = [
      sample({ kind: 1, created_at: 1 }),
      sample({ kind: 2, created_at: 2 }),
      sample({ kind: 1, created_at: 3, pubkey: BOB }),
      sample({ kind: 7, created_at: 4, pubkey: CAROL }),
    ];
    for (const event of events) await store.event(event);
    const times = async (filters: NostrFilter[]) =>
      (await store.query(filters)).map((event) => event.created_at);
    assertEquals(await times([{ kinds: [1] }]), [3, 1]);
    assertEquals(await times([{ kinds: [1, 2] }]), [3, 2, 1]);
    assertEquals(await times([{ kinds: [1, 2], authors: [ALICE] }]), [2, 1]);
    assertEquals(await times([{ kinds: [1], authors: [ALICE, BOB] }]), [3, 1]);
    assertEquals(await times([{ since: 2, until: 3 }]), [3, 2]);
    assertEquals(await times([{ since: 3, until: 2 }]), []);
    assertEquals(await times([{ kinds: [7] }, { authors: [BOB] }]), [4, 3]);
    assertEquals(await times([{ ids: [events[1]!.id, events[3]!.id, idLike("f")] }]), [4, 2]);
    assertEquals(await times([{ ids: [events[0]!.id], kinds: [2] }]), []);
  });

  test("Q2 tag names narrow, a tag's values widen", async (store) => {
    const tagged = (created_at: number, ...tags: string[][]) => sample({ created_at, tags });
    await store.event(tagged(1, ["t", "a"], ["t", "b"], ["p", "x"]));
    await store.event(tagged(2, ["t", "a"], ["p", "y"]));
    await store.event(tagged(3, ["t", "b"], ["t", "b"], ["p", "x"]));
    await store.event(sample({ kind: 2, created_at: 4, tags: [["t", "a"]] }));
    const times = async (...filters: NostrFilter[]) =>
      (await store.query(filters)).map((event) => event.created_at);
    assertEquals(await times({ "#t": ["a"] }), [4, 2, 1]);
    assertEquals(await times({ "#t": ["a", "b"] }), [4, 3, 2, 1]);
    assertEquals(await times({ "#t": ["a"], "#p": ["x"] }), [1]);
    assertEquals(await times({ "#t": ["a", "b"], "#p": ["x", "y"] }), [3, 2, 1]);
    assertEquals(await times({ "#t": ["a"], kinds: [1] }), [2, 1]);
    assertEquals(await times({ "#t": ["a"], since: 2, until: 3 }), [2]);
    assertEquals(await times({ "#t": ["a", "b"], since: 2, until: 3, limit: 1 }), [3]);
    assertEquals(await times({ "#t": ["a", "b"], authors: [ALICE], kinds: [1, 2], limit: 2 }), [4, 3]);
    assertEquals(await times({ "#t": ["b"] }, { kinds: [2] }), [4, 3, 1]);
    assertEquals(await times({ ids: [tagged(3, ["t", "b"], ["t", "b"], ["p", "x"]).id], "#t": ["b"] }), [3]);
    assertEquals(await times({ "#t": ["c"] }), []);
  });

  test("Q2 addresses are found by kind, author and d", async (store) => {
    const at = (kind: number, d: string, pubkey = ALICE) => sample({ kind, pubkey, tags: [["d", d]] });
    const events = [
      at(30017, "x"),
      at(30018, "x"),
      at(30018, "y"),
      at(30018, "x", BOB),
      sample({ kind: 1, tags: [["d", "x"]] }),
    ];
    for (const event of events) await store.event(event);
    const found = async (filter: NostrFilter) => (await store.query([filter])).length;
    assertEquals(await found({ kinds: [30018], authors: [ALICE], "#d": ["x"] }), 1);
    assertEquals(await found({ kinds: [30018], authors: [ALICE], "#d": ["x", "y"] }), 2);
    assertEquals(await found({ kinds: [30017, 30018], authors: [ALICE, BOB], "#d": ["x", "y"] }), 4);
    assertEquals(await found({ kinds: [30018], "#d": ["x"] }), 2);
    assertEquals(await found({ "#d": ["x"] }), 4);
    assertEquals(await found({ kinds: [1, 30018], "#d": ["x"] }), 3);
    assertEquals(await found({ kinds: [30018], authors: [ALICE], "#d": ["x"], until: 999 }), 0);
  });

  test("Q3 an event that several filters match comes once; newest first, then by id", async (store) => {
    const events = [["3", 5], ["1", 5], ["2", 7], ["4", 1]].map(([letters, created_at]) =>
      sample({
        id: idLike(letters as string),
        created_at: created_at as number,
        tags: [["t", "a"], ["t", "b"]],
      })
    );
    for (const event of events) await store.event(event);
    const order = ["2", "1", "3", "4"].map(idLike);
    assertEquals(await ids(store, [{}]), order);
    assertEquals(await ids(store, [{ "#t": ["a"] }]), order);
    assertEquals(
      await ids(store, [{ kinds: [1] }, { "#t": ["a", "b"] }, { authors: [ALICE], limit: 3 }, {}]),
      order,
    );
    assertEquals(await ids(store, [{ ids: [...order, ...order] }]), order);
  });

  test("Q4 a filter's limit takes its newest, the call's limit the newest of all", async (store) => {
    for (let i = 0; i < 50; i++) {
      await store.event(sample({ created_at: i, kind: 1 + i % 2, tags: [["t", "x"]] }));
    }
    const times = async (filters: NostrFilter[], limit?: number) =>
      (await store.query(filters, limit === undefined ? {} : { limit })).map((event) => event.created_at);
    assertEquals(await times([{ limit: 2 }]), [49, 48]);
    assertEquals(await times([{ kinds: [1], limit: 2 }, { kinds: [2], limit: 1 }]), [49, 48, 46]);
    assertEquals(await times([{ "#t": ["x"], limit: 2 }]), [49, 48]);
    assertEquals(await times([{}], 3), [49, 48, 47]);
    assertEquals(await times([{ kinds: [1] }, { kinds: [2] }], 3), [49, 48, 47]);
    assertEquals(await times([{ limit: 5 }], 3), [49, 48, 47]);
    assertEquals(await times([{ limit: 2 }], 3), [49, 48]);
    assertEquals(await times([{}], 0), []);
    const some = (await store.query([{ until: 5 }])).map((event) => event.id);
    assertEquals(await times([{ ids: some, limit: 3 }]), [5, 4, 3]);
    assertEquals(await times([{ kinds: [1], until: 10, limit: 1 }, { since: 30, limit: 2 }], 2), [49, 48]);
  });

  test("Q4 hundreds of filters are one query", async (store) => {
    const events = Array.from({ length: 5 }, (_, i) => sample({ created_at: i }));
    for (const event of events) await store.event(event);
    const filters = Array.from({ length: 700 }, (_, i) => ({ since: i, until: i }));
    assertEquals((await store.query(filters)).length, 5);
  });

  test("Q5 tags of one letter are found, other names and long values not", async (store) => {
    await store.event(
      sample({
        tags: [["t", "x".repeat(199)], ["u", "x".repeat(200)], ["client", "x"], ["v", ""], ["W", "x"]],
      }),
    );
    const found = async (filter: NostrFilter) => (await store.query([filter])).length;
    assertEquals(await found({ "#t": ["x".repeat(199)] }), 1);
    assertEquals(await found({ "#W": ["x"] }), 1);
    assertEquals(await found({ "#w": ["x"] }), 0);
    assertEquals(await found({ "#u": ["x".repeat(200)] }), 0);
    assertEquals(await found({ "#client": ["x"] } as NostrFilter), 0);
    assertEquals(await found({ "#v": [""] }), 0);
  });

  test("Q5 indexTags decides what is found", async (store) => {
    await store.event(sample({ tags: [["t", "x"], ["client", "y"]] }));
    assertEquals((await store.query([{ "#client": ["y"] } as NostrFilter])).length, 1);
    assertEquals((await store.query([{ "#t": ["x"] }])).length, 0);
  }, { indexTags: (event) => event.tags.filter(([name]) => name === "client") });

  test("Q6 search finds words, phrases and what lacks a word", async (store) => {
    const note = (content: string, tags: string[][] = []) => sample({ content, tags });
    const [fox, dog, both] = [
      note("The quick brown fox"),
      note("a lazy dog", [["t", "sleepy"]]),
      note("brown dog and quick fox"),
    ];
    for (const event of [fox!, dog!, both!]) await store.event(event);
    await store.event(sample({ kind: 30018, content: "fox" }));
    const found = (search: string, more: NostrFilter = {}) => sortedIds(store, [{ search, ...more }]);
    const sorted = (...events: NostrEvent[]) => events.map((event) => event.id).sort();
    assertEquals(await found("fox"), sorted(fox!, both!));
    assertEquals(await found("FOX"), sorted(fox!, both!));
    assertEquals(await found("sleepy"), sorted(dog!));
    assertEquals(await found("brown dog"), sorted(both!));
    assertEquals(await found('"brown fox"'), sorted(fox!));
    assertEquals(await found('"dog brown"'), []);
    assertEquals(await found("brown -dog"), sorted(fox!));
    assertEquals(await found("-dog"), sorted(fox!));
    assertEquals(await found("-dog -quick"), []);
    assertEquals(await found("zebra"), []);
    assertEquals(await found("fox", { kinds: [30018] }), []);
    assertEquals(await found("fox", { authors: [ALICE], limit: 1 }).then((list) => list.length), 1);
    assertEquals(await found(""), await sortedIds(store, [{}]));
  });

  test("Q6 search takes every character", async (store) => {
    await store.event(sample({ content: "it's a t-shirt for 5 \u20ac, caf\u00e9 \u65e5\u672c" }));
    for (
      const search of [
        "!!!",
        '"',
        "'",
        "&|!()<->:*",
        "zz:",
        ":zz",
        "-",
        "--",
        "\\",
        "%_",
        "fox !!!",
        '"\'"',
        "\ud83d",
        "*",
        "NEAR(",
        '""',
      ]
    ) {
      assertEquals(await store.query([{ search }]), [], JSON.stringify(search));
    }
    for (const search of ["t-shirt", "caf\u00e9", "shirt!", "(shirt)", '"t shirt"', "5"]) {
      assertEquals((await store.query([{ search }])).length, 1, JSON.stringify(search));
    }
  });

  test("Q6 search finds nothing where nothing is indexed", async (store) => {
    await store.event(sample({ content: "fox" }));
    assertEquals(await store.query([{ search: "fox" }]), []);
    assertEquals(await store.query([{ search: "-dog" }]), []);
  }, { indexSearch: () => undefined });

  test("Q6 search follows replacements and deletions", async (store) => {
    await store.event(sample({ kind: 0, created_at: 1, content: "old" }));
    await store.event(sample({ kind: 0, created_at: 2, content: "fresh" }));
    assertEquals(await store.query([{ search: "old" }]), []);
    assertEquals((await store.query([{ search: "fresh" }])).length, 1);
    await store.remove([{ search: "fresh" }]);
    await store.event(sample({ kind: 1, content: "other" }));
    assertEquals(await store.query([{ search: "fresh" }]), []);
  });

  test("Q6 search knows extensions", async (store) => {
    const speak = (language: string, region: string) => sample({ content: `${language} ${region}` });
    const [pt, ptbr, en] = [speak("pt", "pt"), speak("pt", "br"), speak("en", "us")];
    for (const event of [pt!, ptbr!, en!]) await store.event(event);
    await store.event(sample({ content: "none" }));
    const found = (search: string) => sortedIds(store, [{ search }]);
    const sorted = (...events: NostrEvent[]) => events.map((event) => event.id).sort();
    assertEquals(await found("language:pt"), sorted(pt!, ptbr!));
    assertEquals(await found("language:pt language:en"), sorted(pt!, ptbr!, en!));
    assertEquals(await found("language:pt region:br"), sorted(ptbr!));
    assertEquals(await found("language:pt -region:br"), sorted(pt!));
    assertEquals(await found("-language:pt -language:en"), sorted(sample({ content: "none" })));
    assertEquals(await found("language:pt br"), sorted(ptbr!));
    assertEquals(await found("unknown:x"), []);
  }, {
    indexExtensions: (event) => {
      const [language, region] = event.content.split(" ");
      return Promise.resolve(language && region ? { language, region } : ({} as Record<string, string>));
    },
  });

  test("Q7 calls in time are as without a timeout, also inside a transaction", async (store) => {
    const timeout = 60_000;
    const check = async (one: StoreUnderTest, event: NostrEvent) => {
      await one.event(event, { timeout });
      assertEquals(await one.query([{ kinds: [event.kind] }], { timeout }), [event]);
      assertEquals((await one.count([{ kinds: [event.kind] }], { timeout })).count, 1);
      await one.remove([{ kinds: [event.kind] }], { timeout });
      assertEquals(await one.query([{ kinds: [event.kind] }], { timeout }), []);
      await one.event(sample({ kind: 5, tags: [["e", event.id]] }), { timeout });
      await assertRejects(() => one.event(event, { timeout }), RelayError, "deleted");
    };
    await check(store, sample({ tags: [["t", "x"]] }));
    await store.transaction(async (inner) => {
      await check(inner, sample({ kind: 2, tags: [["t", "x"]] }));
      await inner.event(sample({ kind: 3 }));
    });
    assertEquals((await store.count([{ kinds: [3] }], { timeout })).count, 1);
  });

  test("Q8 an aborted signal rejects with its reason", async (store) => {
    const signal = AbortSignal.abort(new Error("enough"));
    await assertRejects(() => store.event(sample(), { signal }), Error, "enough");
    await store.event(sample());
    await assertRejects(() => store.query([{}], { signal }), Error, "enough");
    await assertRejects(() => store.count([{}], { signal }), Error, "enough");
    await assertRejects(() => store.remove([{}], { signal }), Error, "enough");
    assertEquals((await store.query([{}], { signal: new AbortController().signal })).length, 1);
  });

  // C, R, T: count(), remove(), req()

  test("C1 count() counts each event once", async (store) => {
    for (let i = 0; i < 5; i++) await store.event(sample({ created_at: i, tags: [["t", "x"], ["t", "y"]] }));
    assertEquals(await store.count([]), { count: 0, approximate: false });
    assertEquals(await store.count([{ kinds: [] }]), { count: 0, approximate: false });
    assertEquals(await store.count([{}]), { count: 5, approximate: false });
    assertEquals(await store.count([{ "#t": ["x", "y"] }, { kinds: [1] }]), { count: 5, approximate: false });
    assertEquals(await store.count([{ limit: 3 }]), { count: 3, approximate: false });
  });

  test("R1 remove() removes exactly what query() returns", async (store) => {
    for (let i = 0; i < 10; i++) {
      await store.event(sample({ created_at: i, kind: 1 + i % 2, tags: [["t", `${i % 3}`]] }));
    }
    await store.remove([]);
    await store.remove([{ ids: [] }]);
    assertEquals((await store.count([{}])).count, 10);
    for (
      const filters of [[{ kinds: [1], limit: 2 }], [{ "#t": ["0"] }, { until: 2 }], [{ authors: [ALICE] }]]
    ) {
      const gone = new Set(await ids(store, filters));
      const kept = (await ids(store, [{}])).filter((id) => !gone.has(id));
      await store.remove(filters);
      assertEquals(await ids(store, [{}]), kept);
    }
  });

  test("R1 what was removed may be stored again", async (store) => {
    const event = sample({ kind: 30018, tags: [["d", "x"], ["t", "y"]] });
    await store.event(event);
    await store.remove([{ ids: [event.id] }]);
    assertEquals(await ids(store, [{ "#t": ["y"] }]), []);
    await store.event(event);
    assertEquals(await ids(store, [{ "#t": ["y"] }]), [event.id]);
  });

  test("T1 req() sends events in query's order, EOSE, then CLOSED", async (store) => {
    for (let i = 0; i < 50; i++) {
      await store.event(sample({ created_at: i, kind: 1 + i % 2, tags: [["t", "x"]] }));
    }
    for (
      const filters of [[{}], [{ kinds: [1], limit: 7 }, { "#t": ["x"], since: 40 }], [{
        "#t": ["x"],
        limit: 21,
      }]]
    ) {
      const messages = await Array.fromAsync(store.req(filters));
      const events = messages.flatMap((message) => message[0] === "EVENT" ? [message[2]] : []);
      assertEquals(events, await store.query(filters));
      assertEquals(messages.map(([verb]) => verb), [...events.map(() => "EVENT"), "EOSE", "CLOSED"]);
      assertEquals(new Set(messages.map((message) => message[1])).size, 1);
      assertMatch(messages.at(-1)![2] as string, /^error: /);
    }
  });

  test("T1 req() ends on an empty database, and for filters that can't match", async (store) => {
    for (const filters of [[{}], [], [{ ids: [] }]]) {
      assertEquals((await Array.fromAsync(store.req(filters))).map(([verb]) => verb), ["EOSE", "CLOSED"]);
    }
  });

  test("T1 req() ends with CLOSED when its signal is aborted", async (store) => {
    for (let i = 0; i < 5; i++) await store.event(sample({ created_at: i }));
    const abort = new AbortController();
    const verbs: string[] = [];
    for await (const message of store.req([{}], { signal: abort.signal })) {
      verbs.push(message[0]);
      abort.abort();
    }
    assertEquals(verbs, ["EVENT", "CLOSED"]);
    const late = await Array.fromAsync(store.req([{}], { signal: AbortSignal.abort() }));
    assertEquals(late.map(([verb]) => verb), ["CLOSED"]);
  });

  test("T1 req() leaves the database free for others between its chunks", async (store) => {
    for (let i = 0; i < 5; i++) await store.event(sample({ created_at: i }));
    let seen = 0;
    for await (const message of store.req([{}], { timeout: 60_000 })) {
      await store.event(sample({ created_at: 100 + seen }));
      if (message[0] === "EVENT") seen++;
    }
    assertEquals(seen, 5);
  }, { chunkSize: 2 });
}

async function ids(store: Pick<StoreUnderTest, "query">, filters: NostrFilter[]): Promise<string[]> {
  return (await store.query(filters)).map((event) => event.id);
}

async function sortedIds(store: StoreUnderTest, filters: NostrFilter[]): Promise<string[]> {
  return (await ids(store, filters)).sort();
}
