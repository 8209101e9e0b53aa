import { assert, assertEquals, assertRejects } from "@std/assert";
import type { NostrEvent, NostrFilter } from "@nostrify/types";
import fc from "fast-check";
import { catchUp, type CatchUpOptions } from "../../src/nostr/catch_up.ts";

function event(id: number, created_at: number): NostrEvent {
  return {
    id: String(id).padStart(64, "0"),
    created_at,
    kind: 4,
    pubkey: "",
    content: "",
    tags: [],
    sig: "",
  };
}

/** A relay that gives at most `limit` events, newest first. */
function relayOf(events: NostrEvent[], limit: number) {
  const asked: NostrFilter[] = [];
  return {
    asked,
    ask: (filter: NostrFilter) => {
      asked.push(filter);
      return Promise.resolve(
        events.filter((e) => e.created_at >= filter.since! && e.created_at <= (filter.until ?? Infinity))
          .sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
          .slice(0, Math.min(limit, filter.limit!)),
      );
    },
  };
}

async function read(relay: { ask: (f: NostrFilter) => Promise<NostrEvent[]> }, o?: Partial<CatchUpOptions>) {
  const pages = catchUp(relay.ask, { kinds: [4] }, 0, o);
  const ids: string[] = [];
  for (;;) {
    const next = await pages.next();
    if (next.done) return { ids, ...next.value };
    ids.push(...next.value.events.map((e) => e.id));
  }
}

Deno.test("nothing there is one question", async () => {
  const relay = relayOf([], 10);
  assertEquals(await read(relay), { ids: [], events: 0, hidden: 0 });
  assertEquals(relay.asked.length, 1);
});

Deno.test("a second that is cut by a page's end is read to its end", async () => {
  const events = [...Array(8).keys()].map((i) => event(i, i < 5 ? 10 : 20));
  const { ids, hidden } = await read(relayOf(events, 6));
  assertEquals([...ids].sort(), events.map((e) => e.id).sort());
  assertEquals(hidden, 0);
});

Deno.test("a second with more than the relay gives is stepped over and counted", async () => {
  const events = [...Array(30).keys()].map((i) => event(i, i < 15 ? 20 : 10 - (i % 5)));
  const { ids, hidden } = await read(relayOf(events, 10));
  assertEquals(hidden, 1);
  assertEquals(ids.length, 25);
});

Deno.test("every event comes once, or something is said to be hidden", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 60, size: "max" }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      async (times, limit, page, firstPage) => {
        const events = times.map((at, i) => event(i, at));
        const { ids, hidden } = await read(relayOf(events, limit), { page, firstPage, suspicious: 1 });
        assertEquals(new Set(ids).size, ids.length);
        const fullest = Math.max(0, ...times.map((t) => times.filter((other) => other === t).length));
        assert(hidden > 0 || ids.length === events.length, "events are missing and nothing was said");
        if (fullest < Math.min(limit, page)) assertEquals(ids.length, events.length);
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("pages begin short and grow, and a short one isn't taken for a relay's limit", async () => {
  const events = [...Array(2_060).keys()].map((i) => event(i, i < 60 ? 1 : i));
  const relay = relayOf(events, 10_000);
  assertEquals(await read(relay).then(({ events, hidden }) => [events, hidden]), [2_060, 0]);
  assertEquals(relay.asked.slice(0, 6).map(({ limit }) => limit), [50, 100, 200, 400, 500, 500]);
});

Deno.test("a relay that never ends is given up", async () => {
  let id = 0;
  const endless = {
    ask: (f: NostrFilter) => Promise.resolve([...Array(10)].map(() => event(id++, f.until ?? 100))),
  };
  await assertRejects(() => read(endless, { most: 1_000 }), Error, "more than 1000");
  id = 0;
  const { events, hidden } = await read(endless, { pagesPerSecond: 2, most: 10_000 });
  assertEquals([hidden > 100, events > 1_000], [true, true]);
});

Deno.test("a forged copy doesn't hide the event behind it", async () => {
  const real = { ...event(1, 10), sig: "real" };
  let asked = 0;
  const relay = { ask: () => Promise.resolve([[{ ...real, sig: "forged" }], [real], []][asked++] ?? []) };
  assertEquals((await read(relay)).ids.length, 2);
});

Deno.test("a relay that gives events in no order is read in parts that fit", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1, max: 5_000 }), { maxLength: 80, size: "max" }),
      fc.integer({ min: 10, max: 30 }),
      fc.infiniteStream(fc.nat()),
      async (times, limit, chance) => {
        const events = times.map((at, i) => event(i, at));
        const dice = () => chance.next().value! as number;
        const ask = (f: NostrFilter) =>
          Promise.resolve(
            events.filter((e) => e.created_at >= f.since! && e.created_at <= (f.until ?? Infinity))
              .map((e) => ({ e, at: dice() })).sort((a, b) => a.at - b.at).map(({ e }) => e).slice(0, limit),
          );
        const { ids } = await read({ ask });
        assertEquals([...new Set(ids)].sort(), events.map((e) => e.id).sort());
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("a relay in no order without end is given up", async () => {
  let id = 0;
  const page = (f: NostrFilter) => [...Array(20)].map((_, i) => event(id++, f.since! + i % 2));
  await assertRejects(() => read({ ask: (f) => Promise.resolve(page(f)) }, { most: 1_000 }), Error);
});
