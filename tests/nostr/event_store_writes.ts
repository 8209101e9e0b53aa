import { assert, assertEquals, assertRejects } from "@std/assert";
import { RelayError } from "@nostrify/nostrify";
import type { NostrEvent } from "@nostrify/types";
import { ALICE, BOB, idLike, sample } from "./event_samples.ts";
import { ids, type StoreTest } from "./event_store_harness.ts";

/** S1 and E: the store's shape and what `event()` does. */
export function writes(test: StoreTest): void {
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
}
