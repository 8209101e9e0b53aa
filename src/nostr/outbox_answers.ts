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
const LADDER_MS = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE];
const GIVE_UP_AFTER_MS = 3 * 24 * HOUR;
/** A relay that says no without a known word gets some more tries: a restarting relay says odd things. */
const TRIES_WHEN_REFUSED = 4;
/** Refusals that time may mend (NIP-01, NIP-42); a link has tried AUTH by then. */
const PASSING = ["rate-limited", "error", "auth-required"];
/**
 * Refusals of this event, or of us, at this relay (NIP-01): the same bytes would meet the same answer. Work that a relay wants
 * proven (`pow`) would be other bytes under another id.
 */
const FINAL = ["pow", "invalid", "blocked", "restricted", "mute"];

/**
 * Judges try number `tries` (from 1) of an event that was posted `ageMs` ago. Passing trouble is tried again for 3 days: after 5 s,
 * 30 s, 2 min, 5 min, 10 min, then hourly, with up to a tenth more by chance. A relay that has the event already counts as a receipt.
 */
export function judge(answer: Answer, tries: number, ageMs: number, random: Random): Verdict {
  const text = clean("error" in answer ? answer.error : answer.message);
  const word = "error" in answer ? null : refusalWord(text);
  if ("ok" in answer && (answer.ok || word === "duplicate")) return { state: "delivered", answer: text };
  if (word !== null && FINAL.includes(word)) return { state: "failed", answer: text };
  const passing = word === null || PASSING.includes(word);
  if (passing ? ageMs >= GIVE_UP_AFTER_MS : tries >= TRIES_WHEN_REFUSED) {
    return { state: "failed", answer: text };
  }
  const step = LADDER_MS[tries - 1] ?? HOUR;
  return { state: "pending", answer: text, waitMs: Math.round(step * (1 + random.fraction() / 10)) };
}

/** A relay's words can be anything: PostgreSQL keeps no NUL and no half character, terminals obey control characters. */
function clean(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what it removes
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, " ").toWellFormed();
}

/** The machine-readable beginning of a relay's refusal (NIP-01); the whole text where there is none. */
export function refusalWord(message: string): string {
  return message.split(":", 1)[0]!.trim().toLowerCase();
}
