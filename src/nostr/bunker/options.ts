/** Limits and times of a remote signer's connection; milliseconds. */
export interface BunkerOptions {
  /** How long a caller waits for an answer. */
  answerMs: number;
  /** An unanswered request goes out again after these waits. */
  resendMs: readonly number[];
  /** Requests under way at once: a signer is one small program, often on a telephone. */
  atOnce: number;
  /** Those who wait for a place, and how long: the rest are told to come again later. */
  queue: number;
  queueMs: number;
  /** While it sleeps it is asked for its key after such waits. */
  probeFirstMs: number;
  probeMostMs: number;
  /** How long it counts as proven that it opens messages for us. */
  provenMs: number;
}

export const bunkerDefaults: BunkerOptions = {
  answerMs: 20_000,
  resendMs: [4_000, 8_000],
  atOnce: 8,
  queue: 256,
  queueMs: 3_000,
  probeFirstMs: 2_000,
  probeMostMs: 30_000,
  provenMs: 10_000,
};

/** How a remote signer does, for people. */
export interface BunkerStatus {
  /** `unknown`: it wasn't asked yet. */
  state: "unknown" | "awake" | "asleep" | "refuses" | "wrong key";
  /** When anything authentic came last. */
  lastAnswerAt: number | null;
  /** Requests under way or waiting for their turn. */
  waiting: number;
  /** The page on which somebody has to approve us. */
  authUrl: string | null;
  /** What is wrong, in our words and, when it refuses, in the signer's own. */
  error: string | null;
}
