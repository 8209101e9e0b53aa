import { assertEquals } from "@std/assert";
import type { CatchUpMark } from "../../src/nostr/catch_up_store.ts";
import { ReadingMark } from "../../src/nostr/reading_mark.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A mark of kind 4, and where it has said that it stands. */
function marked(from: Pick<CatchUpMark, "kind" | "until">) {
  const clock = new FakeClock();
  const told: CatchUpMark[] = [];
  const mark = new ReadingMark(4, { startedAt: 1, at: 2, ...from }, { tell: (one) => told.push(one), clock });
  return { mark, clock, told, untils: () => told.map(({ until }) => until) };
}

Deno.test("a kind that begins says so, and numbers its events from the newest on", () => {
  const { mark, clock, told } = marked({ kind: 1059, until: 7 });
  assertEquals(told, [{ startedAt: 1, kind: 4, until: null, at: clock.now() }]);
  assertEquals([mark.until, mark.next(), mark.next()], [null, 0, 1]);
});

Deno.test("one that goes on has said so already, and doesn't know how many are newer", () => {
  const { mark, told } = marked({ kind: 4, until: 7 });
  assertEquals(told, []);
  assertEquals([mark.until, mark.next(), mark.next()], [7, Infinity, Infinity]);
});

Deno.test("where it stands is told after 50 events, counted over pages, and at once when a page is cut off", () => {
  const { mark, untils } = marked({ kind: 4, until: 1_000 });
  mark.taken(49, 900);
  assertEquals(untils(), []);
  mark.taken(1, 800);
  mark.taken(49, 700);
  assertEquals(untils(), [800]);
  mark.standsAt(650);
  mark.taken(60, 600);
  assertEquals(untils(), [800, 650, 600]);
});
