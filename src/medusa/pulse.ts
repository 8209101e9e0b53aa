import { z } from "zod";
import type { Clock } from "../clock.ts";
import { errorText, type Log } from "../log.ts";
import type { Service } from "../service.ts";
import type { MedusaClient } from "./client.ts";
import { MedusaError } from "./medusa_error.ts";

const EVERY_MS = 10_000;
/** An answer is news for so long. */
const FRESH_MS = 120_000;

const stores = z.object({ stores: z.array(z.object({ id: z.string() })) });

export interface MedusaPulseOptions {
  client: MedusaClient;
  clock: Clock;
  log: Log;
  /** Medusa answers again: what waited for it may go on. */
  onBack(): Promise<void>;
}

/** Asks Medusa how it is when nobody else does: the owners hear of its absence before a customer does, and of its return. */
export class MedusaPulse implements Service {
  readonly #o: MedusaPulseOptions;
  readonly #stop = new AbortController();
  #away = false;
  #running: Promise<void> | undefined;

  constructor(o: MedusaPulseOptions) {
    this.#o = o;
  }

  start(): Promise<void> {
    this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the program stops"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#o;
    while (!this.#stop.signal.aborted) {
      try {
        await this.#look();
      } catch (error) {
        log.error("medusa.pulse_failed", { error: errorText(error) });
      }
      await clock.sleep(EVERY_MS, this.#stop.signal);
    }
  }

  async #look(): Promise<void> {
    const { client, clock, log, onBack } = this.#o;
    const { goodAt, fault } = client.status();
    if (fault !== null || goodAt === null || Math.abs(clock.now() - goodAt) >= FRESH_MS) await this.#ask();
    const away = client.status().fault !== null;
    if (away !== this.#away) log[away ? "warn" : "info"](away ? "medusa.away" : "medusa.back");
    if (this.#away && !away) await onBack();
    this.#away = away;
  }

  async #ask(): Promise<void> {
    try {
      const query = { fields: "id", limit: 1 };
      await this.#o.client.get("/admin/stores", {
        query,
        schema: stores,
        priority: "order",
        signal: this.#stop.signal,
      });
    } catch (error) {
      if (!(error instanceof MedusaError)) throw error;
      this.#o.log.debug("medusa.silent", { error: error.message });
    }
  }
}
