import { dirname, join } from "node:path";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { databaseFile } from "../db/open.ts";
import { errorText, type Log } from "../log.ts";
import type { Random } from "../random.ts";
import type { Service } from "../service.ts";
import type { Settings } from "../settings.ts";
import { tryWriting } from "./storage_store.ts";

const EVERY_MS = 2_000;
/** Room kept for what can't wait when the disk is full: payments and the answers to them. */
const BALLAST_BYTES = 8 * 1024 * 1024;

const NOISE_BYTES = 65_536;

/**
 * Watches the place where everything is kept. When the disk is full the ballast beside the database is given up, so that payments
 * can still be booked, while nothing new is taken in; when there is room for ballast again, all goes on. The other faults
 * are over when something can be written.
 */
export class StorageWatch implements Service {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  /** Null: the database is no file of ours. */
  readonly #ballast: string | null;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(
    o: {
      database: Database;
      clock: Clock;
      random: Random;
      log: Log;
      settings: Pick<Settings, "NCC_DATABASE_URL" | "NCC_DATA_DIR">;
    },
  ) {
    this.#database = o.database;
    this.#clock = o.clock;
    this.#random = o.random;
    this.#log = o.log;
    const file = databaseFile(o.settings.NCC_DATABASE_URL ?? null, o.settings.NCC_DATA_DIR);
    this.#ballast = file === null ? null : join(dirname(file), "ballast");
  }

  start(): Promise<void> {
    if (!this.#takeBallast()) this.#log.warn("storage.no_ballast", { bytes: BALLAST_BYTES });
    this.#running = this.#loop();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #loop(): Promise<void> {
    let known: string | null = null;
    while (!this.#stop.signal.aborted) {
      const { storage } = this.#database;
      const kind = storage.fault?.kind ?? null;
      if (kind !== null && kind !== known) {
        this.#log.error("storage.fault", { kind, error: storage.fault!.text });
        if (kind === "full") this.#dropBallast();
      } else if (kind !== null) await this.#tryAgain(kind);
      if (storage.fault === null && known !== null) this.#log.info("storage.recovered", { after: known });
      known = storage.fault?.kind ?? null;
      await this.#clock.sleep(EVERY_MS, this.#stop.signal);
    }
  }

  async #tryAgain(kind: string): Promise<void> {
    try {
      await tryWriting(this.#database, this.#clock.now());
    } catch (error) {
      this.#log.debug("storage.still_faulty", { error: errorText(error) });
      return;
    }
    if (kind !== "full" || this.#takeBallast()) this.#database.storage.recovered();
  }

  /** Whether the ballast is there. All at once: nothing else of this process meets a disk that is full for its sake. */
  #takeBallast(): boolean {
    if (this.#ballast === null) return true;
    try {
      // Zeros would be no ballast where files have holes or are compressed.
      const noise = this.#random.bytes(NOISE_BYTES);
      using file = Deno.openSync(this.#ballast, { create: true, write: true, truncate: true, mode: 0o600 });
      for (let done = 0; done < BALLAST_BYTES;) done += file.writeSync(noise);
      file.syncSync();
      return true;
    } catch (error) {
      this.#log.debug("storage.no_room", { error: errorText(error) });
      this.#dropBallast();
      return false;
    }
  }

  #dropBallast(): void {
    if (this.#ballast === null) return;
    try {
      Deno.removeSync(this.#ballast);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        this.#log.warn("storage.ballast_stays", { error: errorText(error) });
      }
    }
  }
}
