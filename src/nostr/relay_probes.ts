import type { Clock } from "../clock.ts";
import { errorText, type Log } from "../log.ts";
import { Deadline, unlessAborted } from "./deadline.ts";
import type { ProbeKind, ProbeMaker } from "./probe.ts";
import type { RelayLink } from "./relay_link.ts";
import type { WatchOptions } from "./watch_options.ts";

/** What is known of the subscription while a probe is under way. */
export interface Situation {
  deaf(): boolean;
  /** Whether the subscription brought anything new after `at` (monotonic). */
  heardSince(at: number): boolean;
}

/** Sends one relay an event of ours now and then, and says when one doesn't come back by the subscription. */
export class ProbeRounds {
  readonly #link: RelayLink;
  readonly #probes: ProbeMaker;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #o: WatchOptions;
  #kind: ProbeKind = 1059;
  #unproven: string | null = null;
  #refusals = 0;
  #sentAt = -Infinity;
  #nextAt = -Infinity;
  #awaited: { id: string; back: () => void } | undefined;

  constructor(o: { link: RelayLink; probes: ProbeMaker; clock: Clock; log: Log; options: WatchOptions }) {
    this.#link = o.link;
    this.#probes = o.probes;
    this.#clock = o.clock;
    this.#log = o.log;
    this.#o = o.options;
  }

  /** Why no probe is possible at this relay; null when the last one came back, and before the first. */
  get unproven(): string | null {
    return this.#unproven;
  }

  /** A new subscription stands: it is probed soon, unless the relay refuses probes. */
  begin(): void {
    if (this.#refusals === 0) this.#nextAt = this.#sentAt + this.#o.probeLeastMs;
  }

  /** The subscription brought the probe. */
  cameBack(id: string): void {
    if (this.#awaited?.id === id) this.#awaited.back();
  }

  /** Waits for the next probe's time and sends it; `lost` says how it was lost, if the relay took it. */
  async next(situation: Situation, signal: AbortSignal): Promise<{ lost: string | null }> {
    const { probeEveryMs, probeLeastMs } = this.#o;
    const wait = this.#nextAt - this.#clock.monotonic();
    if (wait > 0) await this.#clock.sleep(wait, signal);
    if (signal.aborted) return { lost: null };
    this.#sentAt = this.#clock.monotonic();
    const lost = await this.#round(situation, signal);
    const every = situation.deaf() ? Math.max(probeLeastMs, probeEveryMs / 5) : probeEveryMs;
    this.#nextAt = this.#sentAt + Math.min(this.#o.probeMostMs, every * 2 ** Math.min(this.#refusals, 30));
    return { lost };
  }

  async #round(situation: Situation, signal: AbortSignal): Promise<string | null> {
    const first = await this.#send(this.#kind, signal);
    if (first.refused === null) return await this.#outcome(first, situation, signal);
    // Some relays take direct messages of their members only, some gift wraps only.
    const second = LIMITED.test(first.refused) ? first : await this.#send(other(this.#kind), signal);
    if (second.refused === null && second.failed === null) {
      this.#kind = other(this.#kind);
      return await this.#outcome(second, situation, signal);
    }
    return this.#impossible(first.refused);
  }

  async #outcome(sent: Sent, situation: Situation, signal: AbortSignal): Promise<string | null> {
    if (signal.aborted) return null;
    if (sent.failed !== null) {
      this.#unproven = sent.failed;
      return null;
    }
    if (sent.back) {
      this.#unproven = null;
      this.#refusals = 0;
      return null;
    }
    if (situation.heardSince(sent.at)) return this.#impossible("it doesn't hand our own events back to us");
    this.#refusals = 0;
    return await this.#has(sent.id, signal)
      ? "it took a probe and has it, but the subscription didn't bring it"
      : "it took a probe that never came back";
  }

  async #send(kind: ProbeKind, signal: AbortSignal): Promise<Sent> {
    const sent: Sent = { id: "", at: this.#clock.monotonic(), back: false, refused: null, failed: null };
    const done = new AbortController();
    try {
      using deadline = new Deadline(this.#clock, this.#o.echoMs, signal);
      const event = await unlessAborted(this.#probes.make(kind), deadline.signal).catch((error) => {
        throw new Error(`the probe wasn't signed: ${errorText(error)}`);
      });
      sent.id = event.id;
      const back = new Promise<void>((resolve) => {
        this.#awaited = {
          id: event.id,
          back: () => {
            sent.back = true;
            resolve();
          },
        };
      });
      const receipt = await this.#link.publish(event, signal);
      sent.at = this.#clock.monotonic();
      if (!receipt.ok) sent.refused = receipt.message || "no reason given";
      else {await Promise.race([
          back,
          this.#clock.sleep(this.#o.echoMs, AbortSignal.any([signal, done.signal])),
        ]);}
    } catch (error) {
      sent.failed = errorText(error);
    } finally {
      done.abort();
      this.#awaited = undefined;
    }
    return sent;
  }

  async #has(id: string, signal: AbortSignal): Promise<boolean> {
    try {
      return (await this.#link.query([{ ids: [id], limit: 1 }], { signal })).length > 0;
    } catch (error) {
      this.#log.debug("intake.probe_not_looked_up", { error: errorText(error) });
      return false;
    }
  }

  #impossible(reason: string): null {
    if (this.#unproven !== reason) this.#log.info("intake.unproven", { reason });
    this.#unproven = reason;
    this.#refusals++;
    return null;
  }
}

/** What became of a probe. */
interface Sent {
  id: string;
  at: number;
  back: boolean;
  /** What the relay said against it. */
  refused: string | null;
  /** Why it wasn't sent, or not answered. */
  failed: string | null;
}

/** Another kind wouldn't be taken either. */
const LIMITED = /^(rate-limited|error):/;

function other(kind: ProbeKind): ProbeKind {
  return kind === 4 ? 1059 : 4;
}
