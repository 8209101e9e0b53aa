import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { TokenBuckets } from "../../src/policies/token_buckets.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("take() gives never more than a burst and the rate", () => {
  const steps = fc.array(
    fc.record({ wait: fc.integer({ min: -5_000, max: 20_000 }), amount: fc.integer({ min: 1, max: 5 }) }),
  );
  fc.assert(fc.property(steps, (list) => {
    const clock = new FakeClock();
    const buckets = new TokenBuckets({ clock, perMinute: 10 });
    let [taken, waited] = [0, 0];
    for (const { wait, amount } of list) {
      clock.jump(wait);
      waited += Math.max(0, wait);
      if (buckets.take("k", amount)) taken += amount;
      assert(taken <= 10 + waited * 10 / 60_000 + 1e-6);
    }
  }));
});

Deno.test("take() takes nothing when it refuses, and fills up again", async () => {
  const clock = new FakeClock();
  const buckets = new TokenBuckets({ clock, perMinute: 6 });
  assertEquals([buckets.take("k", 7), buckets.take("k", 6), buckets.take("k")], [false, true, false]);
  await clock.advance(10_000);
  assertEquals([buckets.take("k"), buckets.take("k")], [true, false]);
});

Deno.test("charge() takes what is there, and has nothing owed", async () => {
  const clock = new FakeClock();
  const buckets = new TokenBuckets({ clock, perMinute: 6 });
  buckets.charge("k", 4);
  assertEquals([buckets.has("k", 2), buckets.has("k", 3)], [true, false]);
  buckets.charge("k", 4);
  assertEquals(buckets.take("k"), false);
  await clock.advance(10_000);
  assertEquals(buckets.take("k"), true);
});

Deno.test("a clock that is set back takes nothing away", () => {
  const clock = new FakeClock();
  const buckets = new TokenBuckets({ clock, perMinute: 2 });
  assertEquals(buckets.take("k"), true);
  clock.jump(-3_600_000);
  assertEquals([buckets.take("k"), buckets.take("k")], [true, false]);
});

Deno.test("memory is bounded: the key used longest ago is forgotten", () => {
  const buckets = new TokenBuckets({ clock: new FakeClock(), perMinute: 1, keys: 2 });
  assertEquals([buckets.take("a"), buckets.take("b"), buckets.take("a")], [true, true, false]);
  buckets.take("c");
  assertEquals([buckets.size, buckets.take("a"), buckets.take("b")], [2, false, true]);
});
