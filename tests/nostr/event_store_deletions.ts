import { assertEquals, assertRejects } from "@std/assert";
import { RelayError } from "@nostrify/nostrify";
import { ALICE, BOB, idLike, sample } from "./event_samples.ts";
import { ids, sortedIds, type StoreTest } from "./event_store_harness.ts";

/** E5 to E7: deletions (NIP-09). */
export function deletions(test: StoreTest): void {
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
}
