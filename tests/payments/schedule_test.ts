import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type ExpiryQuestion, mayExpire } from "../../src/payments/expiry.ts";
import { LookUpBudget } from "../../src/payments/look_up_budget.ts";
import { nextLookUpAt, type Watched } from "../../src/payments/look_up_schedule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const created = Date.UTC(2026, 0, 1);
const watched: Watched = {
  createdAt: created,
  expiresAt: created + 15 * MINUTE,
  orderExpiresAt: created + 15 * MINUTE,
};

const table: [string, number, number | null][] = [
  ["at first", 0, 5_000],
  ["in the first minute", 59_000, 64_000],
  ["after it", MINUTE, MINUTE + 15_000],
  ["right before expiry: once at expiry", 15 * MINUTE - 1, 15 * MINUTE],
  ["at expiry", 15 * MINUTE, 16 * MINUTE],
  ["within an hour", 74 * MINUTE, 75 * MINUTE],
  ["after the hour", 75 * MINUTE, 135 * MINUTE],
  ["to the last hour", 15 * MINUTE + 23 * HOUR, 15 * MINUTE + 24 * HOUR],
  ["and no longer", 15 * MINUTE + 23 * HOUR + 1, null],
];
for (const [name, now, next] of table) {
  Deno.test(`nextLookUpAt() ${name}`, () => {
    assertEquals(nextLookUpAt(watched, created + now), next === null ? null : created + next);
  });
}

Deno.test("nextLookUpAt() watches until the later of both expiries, and always moves on", () => {
  const long = { ...watched, expiresAt: created + 48 * HOUR };
  assert(nextLookUpAt(long, created + 70 * HOUR) !== null);
  assertEquals(
    nextLookUpAt({ ...watched, orderExpiresAt: null }, created + 15 * MINUTE - 1),
    created + 15 * MINUTE,
  );
  const ms = fc.integer({ min: 0, max: 100 * HOUR });
  fc.assert(fc.property(ms, ms, ms, (expires, order, now) => {
    const next = nextLookUpAt({ createdAt: 0, expiresAt: expires, orderExpiresAt: order }, now);
    if (next === null) assert(now + HOUR > Math.max(expires, order) + 24 * HOUR);
    else {assert(
        next > now && next <= now + HOUR && !(now < order && next > order),
        "never past the order's expiry",
      );}
  }));
});

const question: ExpiryQuestion = {
  dueAt: 1_000_000,
  answeredAt: 1_000_000,
  madeAt: 500_000,
  onHold: false,
  startedAt: 0,
  trustedSince: 0,
  now: 1_000_000,
};
const expiries: [string, Partial<ExpiryQuestion>, boolean][] = [
  ["with an answer asked for at the end", {}, true],
  ["not before the end", { now: 999_999 }, false],
  ["not with an answer from before the end", { answeredAt: 999_999, now: 1_000_500 }, false],
  ["not without an answer", { answeredAt: null, now: 1_000_000 + 30 * MINUTE - 1 }, false],
  ["without an answer after 30 minutes", { answeredAt: null, now: 1_000_000 + 30 * MINUTE }, true],
  ["not when the silent wallet had the money", {
    onHold: true,
    answeredAt: null,
    now: 1_000_000 + 24 * 60 * MINUTE - 1,
  }, false],
  [
    "a day later, with the money, too",
    { onHold: true, answeredAt: null, now: 1_000_000 + 24 * 60 * MINUTE },
    true,
  ],
  ["not when the clock jumped meanwhile", {
    answeredAt: null,
    now: 1_000_000 + 30 * MINUTE,
    trustedSince: 1_000_001,
  }, false],
  [
    "not within two minutes of a restart",
    { startedAt: 900_000, now: 1_019_999, answeredAt: 1_019_999 },
    false,
  ],
  ["two minutes after a restart", { startedAt: 900_000, now: 1_020_000, answeredAt: 1_020_000 }, true],
  ["soon after a start that came before the invoice", { startedAt: 499_999 }, true],
];
for (const [name, change, over] of expiries) {
  Deno.test(`mayExpire() ${name}`, () => assertEquals(mayExpire({ ...question, ...change }), over));
}

Deno.test("LookUpBudget allows 10 at once and 50 a second", () => {
  const budget = new LookUpBudget(0, { atOnce: 10, inAll: 20, perSecond: 50 });
  assertEquals(budget.free(0), 10);
  const begin = () => Array.from({ length: 10 }, () => budget.begin(0));
  let running = begin();
  assertEquals(budget.free(0), 0);
  for (let i = 0; i < 5; i++) {
    for (const end of running) end();
    running = i < 4 ? begin() : [];
  }
  assertEquals(budget.free(0), 0, "50 in this second");
  assertEquals(budget.free(100), 5);
  assertEquals(budget.free(60_000), 10);
});

Deno.test("LookUpBudget doesn't let lost answers keep others waiting, up to a number", () => {
  const budget = new LookUpBudget(0, { atOnce: 10, inAll: 15, perSecond: 50 });
  const ends = Array.from({ length: 10 }, () => budget.begin(0));
  assertEquals(budget.free(999), 0);
  assertEquals(budget.free(1_000), 5);
  for (let i = 0; i < 5; i++) budget.begin(1_000);
  assertEquals(budget.free(5_000), 0, "15 in all");
  ends.forEach((end) => end());
  assertEquals(budget.free(5_000), 10);
});
