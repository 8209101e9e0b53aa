import { assert, assertEquals } from "@std/assert";
import { ReconnectPace } from "../../src/nostr/reconnect_pace.ts";
import { relayDefaults } from "../../src/nostr/relay_options.ts";
import type { Random } from "../../src/random.ts";

/** Always the longest wait. */
const longest: Random = { ...({} as Random), fraction: () => 1 };

function waits(...lives: (number | null)[]): number[] {
  const pace = new ReconnectPace(longest, relayDefaults);
  return lives.map((lived) => pace.after(lived));
}

Deno.test("a relay that can't be reached is tried ever more seldom, up to once a minute", () => {
  const none = Array.from({ length: 9 }, () => null);
  assertEquals(waits(...none), [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

Deno.test("a relay that breaks off at once is tried every eight seconds", () => {
  assertEquals(waits(100, 100, 100, 100, 100, 100, 100), [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
});

Deno.test("a connection that worked is missed for a quarter of its life at most", () => {
  assertEquals(waits(null, null, null, null, 10_000, 4_000, 2_000, 1_999), [
    500,
    1_000,
    2_000,
    4_000,
    2_500,
    1_000,
    1_000,
    8_000,
  ]);
  // A relay that cuts every five seconds is heard four fifths of the time.
  const cut = waits(...Array.from({ length: 20 }, () => 5_000));
  assert(cut.every((wait) => wait <= 1_250), cut.join());
});

Deno.test("a connection that lasted begins the back-off anew", () => {
  assertEquals(waits(100, 100, 100, 30_000, 100), [500, 1_000, 2_000, 500, 1_000]);
});
