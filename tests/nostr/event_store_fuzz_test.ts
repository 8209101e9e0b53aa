import { assertEquals } from "@std/assert";
import { RelayError } from "@nostrify/nostrify";
import type { NostrEvent, NostrFilter } from "@nostrify/types";
import fc from "fast-check";
import { sql } from "kysely";
import { EventStore } from "../../src/nostr/event_store.ts";
import { onEachDatabase } from "../support/databases.ts";
import { EventModel } from "./event_model.ts";
import { ALICE, BOB, sample } from "./event_samples.ts";

/** Few of everything, so that events meet: replace, tie, delete, expire. */
const kinds = fc.constantFrom(1, 4, 5, 5, 5, 0, 3, 10002, 20001, 30018, 30018, 30402);
const authors = fc.constantFrom(ALICE, BOB);
const times = fc.integer({ min: 0, max: 6 });
const dTags = fc.constantFrom("", "x", "x:y", "y");
const values = fc.constantFrom("", "a", "b", "c", "l".repeat(199), "l".repeat(200));

/** A tag, or a reference to an event of the run by its place, as deletions have it. */
const tags = fc.oneof(
  fc.tuple(fc.constantFrom("t", "p", "tt", ""), values),
  fc.tuple(fc.constant("d"), dTags),
  fc.tuple(fc.constant("expiration"), fc.constantFrom("3", "5", "9", "x")),
  fc.constantFrom<string[]>([], ["t"], ["d"], ["e"]),
);
const targets = fc.oneof(
  fc.record({ e: fc.nat(30) }),
  fc.record({ addressOf: fc.nat(30) }),
  fc.record({
    a: fc.record({ kind: fc.constantFrom(0, 10002, 30018, 30402, 1, 5), author: authors, d: dTags }),
  }),
);
const events = fc.record({
  kind: kinds,
  pubkey: authors,
  created_at: times,
  tags: fc.array(tags, { maxLength: 4 }),
  targets: fc.array(targets, { maxLength: 3 }),
});

type Made<T> = T extends fc.Arbitrary<infer U> ? U : never;

const lists = <T>(values: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: fc.array(values, { minLength: 1, maxLength: 3 }) }, fc.constant<T[]>([]));
const fields = fc.record({
  kinds: lists(kinds),
  authors: lists(authors),
  since: times,
  until: times,
  limit: fc.integer({ min: 0, max: 4 }),
  "#t": lists(values),
  "#p": lists(values),
  "#d": lists(dTags),
  "#tt": lists(values),
  places: lists(fc.nat(30)),
});
type Fields = Made<typeof fields>;
const names = [
  "kinds",
  "authors",
  "since",
  "until",
  "limit",
  "limit",
  "#t",
  "#p",
  "#d",
  "#tt",
  "places",
] as const;
/** Few fields each: with all of them nothing would ever match. */
const filters = fc.tuple(fields, fc.subarray([...names], { maxLength: 3 })).map(([all, chosen]) =>
  Object.fromEntries(chosen.map((name) => [name, all[name]])) as Partial<Fields>
);

const steps = fc.oneof(
  { weight: 12, arbitrary: fc.record({ event: events }) },
  { weight: 1, arbitrary: fc.record({ again: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ now: fc.integer({ min: 1, max: 10 }) }) },
  { weight: 1, arbitrary: fc.record({ remove: fc.array(filters, { maxLength: 2 }) }) },
  { weight: 1, arbitrary: fc.constant({ purge: true as const }) },
);

onEachDatabase("the store does what a plain list would, whatever comes in whatever order", async (db) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { maxLength: 40 }),
      fc.array(
        fc.record({
          filters: fc.array(filters, { maxLength: 3 }),
          limit: fc.option(fc.nat(5), { nil: undefined }),
        }),
        { minLength: 1, maxLength: 12 },
      ),
      fc.boolean(),
      async (steps, questions, together) => {
        await sql`delete from nostr_events`.execute(db.kysely);
        const run = new Run();
        if (together) {
          await db.transaction(async (tx) => {
            const store = new EventStore(tx, { now: () => run.now });
            for (const step of steps) await run.step(store, step);
          });
        }
        const store = new EventStore(db.kysely, { now: () => run.now, chunkSize: 3 });
        if (!together) { for (const step of steps) await run.step(store, step); }
        for (const question of [...questions, { filters: [{}], limit: undefined }]) {
          const asked = question.filters.map((filter) => run.filter(filter));
          const expected = run.model.query(asked, run.now, question.limit);
          const { limit } = question;
          assertEquals(
            await store.query(asked, limit === undefined ? {} : { limit }),
            expected,
            JSON.stringify(asked),
          );
          const whole = run.model.query(asked, run.now);
          assertEquals((await store.count(asked)).count, whole.length, JSON.stringify(asked));
          const streamed = await Array.fromAsync(store.req(asked));
          assertEquals(streamed.flatMap((message) => message[0] === "EVENT" ? [message[2]] : []), whole);
        }
      },
    ),
    { numRuns: db.dialect === "sqlite" ? 300 : 40 },
  );
});

/** One run: the same steps to the model and the store. */
class Run {
  readonly model = new EventModel();
  readonly seen: NostrEvent[] = [];
  now = 0;

  async step(store: EventStore, step: Made<typeof steps>): Promise<void> {
    if ("now" in step) this.now = Math.max(this.now, step.now);
    else if ("purge" in step) {
      this.model.removeExpired(this.now);
      await store.removeExpired(1000);
    } else if ("remove" in step) {
      const asked = step.remove.map((filter) => this.filter(filter));
      this.model.remove(asked, this.now);
      await store.remove(asked);
    } else {
      const event = "event" in step ? this.#event(step.event) : this.seen[step.again % this.seen.length];
      if (!event) return;
      this.seen.push(event);
      assertEquals(await tell(store, event), this.model.event(event, this.now), JSON.stringify(event));
    }
  }

  filter({ places, ...filter }: Made<typeof filters>): NostrFilter {
    return { ...filter, ...(places && { ids: places.map((place) => this.#idAt(place)) }) };
  }

  #event({ targets, ...fields }: Made<typeof events>): NostrEvent {
    const named = targets.map((target) => {
      if ("e" in target) return ["e", this.#idAt(target.e)];
      if ("a" in target) return ["a", `${target.a.kind}:${target.a.author}:${target.a.d}`];
      const { kind = 0, pubkey = ALICE, tags = [] } =
        this.seen[target.addressOf % Math.max(1, this.seen.length)] ?? {};
      return ["a", `${kind}:${pubkey}:${tags.find(([name]) => name === "d")?.[1] ?? ""}`];
    });
    return sample({ ...fields, tags: [...fields.tags, ...named] });
  }

  #idAt(place: number): string {
    return this.seen[place % Math.max(1, this.seen.length)]?.id ?? "f".repeat(64);
  }
}

async function tell(store: EventStore, event: NostrEvent): Promise<"ok" | "refused"> {
  try {
    await store.event(event);
    return "ok";
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    return "refused";
  }
}
