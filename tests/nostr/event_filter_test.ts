import { assertEquals } from "@std/assert";
import type { NostrFilter } from "@nostrify/types";
import { plainFilters, split } from "../../src/nostr/event_filter.ts";
import { ALICE, BOB } from "./event_samples.ts";

const parts = (filter: NostrFilter) => split(plainFilters([filter])[0]!);

Deno.test("split() makes one filter of each kind, author and value of the first tag", () => {
  const found = parts({ kinds: [1, 2], authors: [ALICE, BOB], "#t": ["a", "b"], "#p": ["x", "y"], limit: 5 });
  assertEquals(found.length, 8);
  assertEquals(
    new Set(found.map(({ kinds, authors, tags }) => JSON.stringify([kinds, authors, tags[0]]))).size,
    8,
  );
  for (const { kinds, authors, tags, limit } of found) {
    assertEquals([kinds?.length, authors?.length, tags[0]?.[1].length, limit], [1, 1, 1, 5]);
    assertEquals(tags[1], ["p", ["x", "y"]]);
  }
});

Deno.test("split() leaves alone what has no limit, names ids, or would become too many", () => {
  const many = Array.from({ length: 3000 }, (_, i) => `${i}`);
  assertEquals(parts({ kinds: [1, 2] }).length, 1);
  assertEquals(parts({ ids: ["1", "2"], kinds: [1, 2], limit: 1 }).length, 1);
  assertEquals(parts({ authors: many, "#p": many, "#e": many, limit: 5 }).length, 1);
});
