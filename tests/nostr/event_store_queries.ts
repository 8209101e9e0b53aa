import { assertEquals } from "@std/assert";
import type { NostrFilter } from "@nostrify/types";
import { ALICE, BOB, CAROL, idLike, sample } from "./event_samples.ts";
import { ids, type StoreTest } from "./event_store_harness.ts";

/** Q1 to Q5: what `query()` finds, in which order. */
export function queries(test: StoreTest): void {
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
}
