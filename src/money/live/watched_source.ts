import type { Clock } from "../../clock.ts";
import type { Decimal } from "../decimal.ts";
import { readPrice } from "./agree.ts";
import { askPrice, type PriceAnswer } from "./ask_price.ts";
import { type PriceQuestion, type PriceSource, questionsTo } from "./price_source.ts";

/** How a source is asked. */
export interface Asking {
  clock: Clock;
  /** What we call ourselves. */
  agent: string;
  /** Where a source is asked; a test has its own server. */
  hostOf?: ((source: PriceSource) => string) | undefined;
}

/** A source's last answer, and when it came: by the wall clock, and by the clock that nobody sets (ms). */
export interface Answered {
  at: number;
  seen: number;
  prices: ReadonlyMap<string, Decimal>;
}

/** A source that answers is asked so often (ms); more often as long as a currency waits for its rate. */
const REFRESH_MS = 60_000;
const HURRIED_MS = 15_000;
/** A source that fails is asked after this, then after twice as long each time, up to the longest. */
const FAILED_MS = 15_000;
const FAILED_MOST_MS = 5 * 60_000;
const FAILED_MOST_HURRIED_MS = 60_000;

/** One source: its last answer, what it lacks, and how it fails. */
export class WatchedSource {
  readonly #asking: Asking;
  #answered: Answered | null = null;
  #lacks = new Set<string>();
  #askedFor = new Set<string>();
  #askedAt: number | null = null;
  #failures = 0;
  #notBefore = 0;
  #error: string | null = null;

  constructor(readonly source: PriceSource, asking: Asking) {
    this.#asking = asking;
  }

  get name(): string {
    return this.source.name;
  }

  /** Why it has no answer; null while it answers, and before it was asked. */
  get error(): string | null {
    return this.#error;
  }

  /** Null when it has not answered, or hasn't the last time. */
  get answered(): Answered | null {
    return this.#answered;
  }

  /** Whether it may have a price in this currency: all but what it has left out of an answer, or doesn't trade. */
  mayHave(currency: string): boolean {
    return (this.source.pairs?.includes(currency) ?? true) && !this.#lacks.has(currency);
  }

  /**
   * From when on (by the even clock) it is to be asked for these currencies. `hurried`: a rate is wanted and isn't there.
   * `stretch` spreads the refreshes of many programs, about 1.
   */
  dueAt(currencies: readonly string[], hurried: boolean, stretch: number): number {
    if (this.#askedAt === null) return -Infinity;
    if (this.#failures > 0) {
      const pause = Math.min(
        FAILED_MS * 2 ** Math.min(this.#failures - 1, 30),
        hurried ? FAILED_MOST_HURRIED_MS : FAILED_MOST_MS,
      );
      return Math.max(this.#askedAt + pause, this.#notBefore);
    }
    const isNew = currencies.some((one) => this.mayHave(one) && !this.#askedFor.has(one));
    return isNew ? -Infinity : this.#askedAt + (hurried ? HURRIED_MS : REFRESH_MS * stretch);
  }

  /** Asks it, for seconds at most. Answers whether its state changed: it fails since now, or answers again. */
  async ask(currencies: readonly string[], signal: AbortSignal): Promise<boolean> {
    const { clock, agent, hostOf } = this.#asking;
    const host = hostOf?.(this.source) ?? this.source.host;
    const questions = questionsTo(this.source, currencies);
    const answers = await Promise.all(
      questions.map(({ path }) => askPrice(new URL(path, host).href, { clock, agent, signal })),
    );
    if (signal.aborted) return false;
    const failedBefore = this.#failures > 0;
    this.#askedAt = clock.monotonic();
    this.#askedFor = new Set(currencies);
    this.#take(questions, answers);
    return failedBefore !== this.#failures > 0;
  }

  /** One answer that fails makes it a source that fails; the prices of the others count all the same. */
  #take(questions: PriceQuestion[], answers: PriceAnswer[]): void {
    const { clock } = this.#asking;
    const prices = new Map<string, Decimal>();
    let error: string | null = null;
    let pause = 0;
    for (const [i, { currencies }] of questions.entries()) {
      const answer = answers[i]!;
      if (answer.ok) error = this.#read(answer.body, currencies, prices) ?? error;
      else if (answer.missing && this.source.pairs !== null) {
        currencies.forEach((one) => this.#lacks.add(one));
      } else {
        error = answer.reason;
        pause = Math.max(pause, answer.retryAfterMs ?? 0);
      }
    }
    this.#error = error;
    this.#failures = error === null ? 0 : this.#failures + 1;
    this.#notBefore = clock.monotonic() + pause;
    const none = prices.size === 0 && error !== null;
    this.#answered = none ? null : { at: clock.now(), seen: clock.monotonic(), prices };
  }

  /** Adds the prices of an answer. Answers what is wrong with it. */
  #read(body: unknown, currencies: string[], prices: Map<string, Decimal>): string | null {
    const fault = this.source.fault?.(body) ?? null;
    if (fault !== null) return `it says ${fault}`;
    let error: string | null = null;
    for (const currency of currencies) {
      const said = this.source.price(body, currency);
      const price = readPrice(said);
      if (price !== null) {
        prices.set(currency, price);
        this.#lacks.delete(currency);
      } else if (said === undefined) this.#lacks.add(currency);
      else error = `its price in ${currency} is none`;
    }
    return error;
  }
}
