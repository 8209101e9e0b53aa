import { assert, assertEquals } from "@std/assert";
import { type Answer, judge } from "../../src/nostr/outbox_answers.ts";
import type { Random } from "../../src/random.ts";

const noJitter: Random = { bytes: (n) => new Uint8Array(n), uuid: () => "", fraction: () => 0 };
const HOUR = 3_600_000;
const wait = (answer: Answer, tries: number, age = 0) => {
  const verdict = judge(answer, tries, age, noJitter);
  return verdict.state === "pending" ? verdict.waitMs : verdict.state;
};

Deno.test("a receipt, or having it already, is a delivery", () => {
  assertEquals(wait({ ok: true, message: "" }, 1), "delivered");
  assertEquals(wait({ ok: false, message: "duplicate: have it" }, 1), "delivered");
});

Deno.test("passing trouble climbs the ladder for three days", () => {
  const passing: Answer[] = [
    { error: "no OK within 10000 ms" },
    { ok: false, message: "rate-limited: slow down" },
    { ok: false, message: "error: disk" },
    { ok: false, message: "auth-required: who?" },
  ];
  for (const answer of passing) {
    assertEquals([1, 2, 3, 4, 5, 6, 60].map((tries) => wait(answer, tries)), [
      5_000,
      30_000,
      120_000,
      300_000,
      600_000,
      HOUR,
      HOUR,
    ]);
    assertEquals(wait(answer, 70, 72 * HOUR - 1), HOUR);
    assertEquals(wait(answer, 2, 72 * HOUR), "failed");
  }
});

Deno.test("a refusal of this event or of us is final: the same bytes would meet the same answer", () => {
  for (const word of ["blocked", "invalid", "restricted", "pow", "mute", " Blocked "]) {
    assertEquals(wait({ ok: false, message: `${word}: no` }, 1), "failed");
  }
});

Deno.test("a refusal without a known word is taken for final after a few tries", () => {
  for (const message of ["just no", "", "no: really"]) {
    assertEquals([1, 2, 3, 4].map((tries) => wait({ ok: false, message }, tries)), [
      5_000,
      30_000,
      120_000,
      "failed",
    ]);
  }
});

Deno.test("chance adds a tenth at most", () => {
  const verdict = judge({ error: "gone" }, 1, 0, { ...noJitter, fraction: () => 0.999 });
  assert(verdict.state === "pending" && verdict.waitMs > 5_000 && verdict.waitMs <= 5_500);
});
