const FIRST_MS = 5_000;
const MOST_MS = 10 * 60_000;
/** Pauses remembered; beyond that a lane simply isn't paused. */
const MOST_LANES = 1_000;

/**
 * Lanes whose relay said `rate-limited:`. Going on with the next event would only be refused as well, and may get us banned: the
 * whole lane rests, each time twice as long, until the relay accepts something.
 */
export class LanePauses {
  readonly #pauses = new Map<string, { until: number; ms: number }>();

  /** The relay of this lane wants less of us. What was under way when the pause began doesn't lengthen it. */
  limited(lane: string, now: number): void {
    const pause = this.#pauses.get(lane);
    if (pause && now < pause.until) return;
    if (!pause && this.#pauses.size >= MOST_LANES) return;
    const ms = Math.min(MOST_MS, pause ? pause.ms * 2 : FIRST_MS);
    this.#pauses.set(lane, { until: now + ms, ms });
  }

  /** It accepted something. */
  accepted(lane: string, now: number): void {
    const pause = this.#pauses.get(lane);
    if (pause && now >= pause.until) this.#pauses.delete(lane);
  }

  rests(lane: string, now: number): boolean {
    const pause = this.#pauses.get(lane);
    return pause !== undefined && now < pause.until;
  }

  /** Lanes that rest now. */
  resting(now: number): string[] {
    return [...this.#pauses].filter(([, pause]) => now < pause.until).map(([lane]) => lane);
  }
}
