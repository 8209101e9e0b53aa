import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { matchFilter } from "nostr-tools/filter";
import { SubscriptionIndex } from "../../src/relay/subscription_index.ts";

const word = fc.constantFrom("a", "b", "c");
const words = fc.array(word, { maxLength: 3 });
const number = fc.integer({ min: 0, max: 3 });
const event: fc.Arbitrary<NostrEvent> = fc.record({
  id: word,
  pubkey: word,
  kind: number,
  created_at: number,
  content: fc.constant(""),
  sig: fc.constant(""),
  tags: fc.array(fc.tuple(fc.constantFrom("p", "t", "e"), word), { maxLength: 3 }),
});
const filter = fc.record({
  ids: words,
  authors: words,
  kinds: fc.array(number, { maxLength: 3 }),
  "#p": words,
  "#t": words,
  since: number,
  until: number,
}, { requiredKeys: [] }) as fc.Arbitrary<NostrFilter>;

Deno.test("match() finds what asking every subscription would find, also after some have gone", () => {
  const subscriptions = fc.array(fc.array(filter, { minLength: 1, maxLength: 3 }), { maxLength: 8 });
  fc.assert(
    fc.property(subscriptions, fc.array(event, { maxLength: 5 }), fc.integer(), (lists, events, gone) => {
      const index = new SubscriptionIndex<{ filters: NostrFilter[] }>();
      const all = lists.map((filters) => ({ filters }));
      for (const subscription of all) index.add(subscription);
      const left = all.filter((_, n) => (gone >> n & 1) === 0);
      for (const subscription of all) if (!left.includes(subscription)) index.remove(subscription);
      assertEquals(index.size, left.length);
      for (const e of events) {
        const found = index.match(e);
        for (const subscription of all) {
          const naive = left.includes(subscription)
            ? subscription.filters.filter((f) => matchFilter(f, e))
            : [];
          assertEquals(new Set(found.get(subscription) ?? []), new Set(naive));
        }
      }
      for (const subscription of left) index.remove(subscription);
      assertEquals([index.size, index.values], [0, 0]);
    }),
  );
});
