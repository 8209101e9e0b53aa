import type { Random } from "../random.ts";

/** What came of one try: the relay's OK (NIP-01), or why there was none. */
export type Answer = { ok: boolean; message: string } | { error: string };

/** What becomes of an event for one relay. */
export type Verdict =
  | { state: "delivered" | "failed"; answer: string }
  | { state: "pending"; answer: string; waitMs: number };

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const LADDER_MS = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE];
const GIVE_UP_AFTER_MS = 3 * 24 * HOUR;
/** A relay that says no gets some more tries: operators change their minds, and a restarting relay says odd things. */
const TRIES_WHEN_REFUSED = 4;
/** Refusals that time may mend (NIP-01, NIP-42). */
const PASSING = ["rate-limited", "error", "auth-required"];

/**
 * Judges try number `tries` (from 1) of an event that was posted `ageMs` ago. Passing trouble is tried again for 3 days: after 5 s,
 * 30 s, 2 min, 10 min, then hourly, with up to a tenth more by chance. A relay that has the event already counts as a receipt.
 */
export function judge(answer: Answer, tries: number, ageMs: number, random: Random): Verdict {
  const text = "error" in answer ? answer.error : answer.message;
  if ("ok" in answer && (answer.ok || prefix(text) === "duplicate")) {
    return { state: "delivered", answer: text };
  }
  const passing = "error" in answer || PASSING.includes(prefix(text));
  if (passing ? ageMs >= GIVE_UP_AFTER_MS : tries >= TRIES_WHEN_REFUSED) {
    return { state: "failed", answer: text };
  }
  const step = LADDER_MS[tries - 1] ?? HOUR;
  return { state: "pending", answer: text, waitMs: Math.round(step * (1 + random.fraction() / 10)) };
}

function prefix(message: string): string {
  return message.split(":", 1)[0]!.trim().toLowerCase();
}
