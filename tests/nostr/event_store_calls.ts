import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { RelayError } from "@nostrify/nostrify";
import type { NostrEvent } from "@nostrify/types";
import { ALICE, sample } from "./event_samples.ts";
import { ids, type StoreTest, type StoreUnderTest } from "./event_store_harness.ts";

/** Q7, Q8, C, R and T: time limits, signals, `count()`, `remove()`, `req()`. */
export function calls(test: StoreTest): void {
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
