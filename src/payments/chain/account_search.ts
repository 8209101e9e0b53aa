import type { Clock } from "../../clock.ts";
import type { Database } from "../../db/database.ts";
import { errorText, type Log } from "../../log.ts";
import { Deadline } from "../../nostr/deadline.ts";
import type { Network } from "../wallet.ts";
import type { ChainAccount } from "./account.ts";
import { accountId } from "./btc_offers.ts";
import type { ChainServer } from "./chain_server.ts";
import { findAccount, keepSkipped, openAccount } from "./chain_store.ts";

const ANSWER_MS = 20_000;
/** After questions in a row that weren't answered: some servers answer so many in a minute. */
const PAUSES_MS = [1_000, 2_000, 5_000, 15_000, 60_000];
/** Until somebody is served here. */
const LOOK_MS = 1_000;

/** A restore of a backup: addresses may have been given out that the books don't know. */
export interface Restored {
  /** ms since 1970. */
  at: number;
  /** It is over: what is set up from then on is new. */
  over: boolean;
}

export interface Receiving {
  account: ChainAccount;
  /** Whose it is; null: nobody's that is served here. */
  merchant: () => string | null;
  gapLimit: number;
  /** The last restore; null: there was none. */
  restored: () => Restored | null;
}

export interface AccountSearchOptions {
  database: Database;
  clock: Clock;
  log: Log;
  receives: Receiving;
}

/** How far a search has come. */
interface Progress {
  id: string;
  merchant: string;
  network: Network;
  /** Where it began, and the index that is asked about next. */
  from: number;
  at: number;
  /** Behind every address that the chain has a payment to. */
  first: number;
  /** Indexes that the chain has a payment to. */
  used: Set<number>;
  known: boolean;
  restored: Restored | null;
}

type Server = Pick<ChainServer, "name" | "network" | "outputs">;

/** Before an account's addresses are given out: what others have used, and what was given out and forgotten by a restore. */
export class AccountSearch {
  readonly #o: AccountSearchOptions;
  /** What one server didn't end, another one goes on with. */
  #progress: Progress | null = null;
  #error: string | null = null;

  constructor(options: AccountSearchOptions) {
    this.#o = options;
  }

  /** Why the last question wasn't answered; null when it was. */
  get error(): string | null {
    return this.#error;
  }

  /** True once addresses may be given out, however long that takes; false when `signal` ends before. */
  async run(server: Server, signal: AbortSignal): Promise<boolean> {
    const { clock, log } = this.#o;
    for (let failures = 0; !signal.aborted;) {
      try {
        if (await this.#step(server, signal)) return true;
        [failures, this.#error] = [0, null];
      } catch (error) {
        if (signal.aborted) break;
        this.#error = errorText(error);
        log.warn("btc.search_failed", { server: server.name, error: this.#error });
        await clock.sleep(PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)]!, signal);
      }
    }
    return false;
  }

  /** One question, or the end (true): until `gapLimit` addresses in a row have no payment (BIP 44). */
  async #step(server: Server, signal: AbortSignal): Promise<boolean> {
    const { receives: { account, merchant, gapLimit }, clock } = this.#o;
    const { network } = server;
    const whose = merchant();
    if (whose === null) {
      await clock.sleep(LOOK_MS, signal);
      return false;
    }
    const id = accountId(account, network);
    if (this.#progress?.id !== id || this.#progress.merchant !== whose) {
      this.#progress = await this.#begin({ id, merchant: whose, network });
    }
    const progress = this.#progress;
    if (!progress) return true;
    if (progress.at >= progress.first + gapLimit) {
      await this.#end(progress);
      this.#progress = null;
      return true;
    }
    using deadline = new Deadline(clock, ANSWER_MS, signal);
    const script = account.derive(progress.at, network);
    const found = await server.outputs(script, { follow: false }, deadline.signal);
    if (found.length > 0) {
      progress.used.add(progress.at);
      progress.first = progress.at + 1;
    }
    progress.at++;
    return false;
  }

  /** Null: the books know it, and since then nothing was restored. */
  async #begin(whose: Pick<Progress, "id" | "merchant" | "network">): Promise<Progress | null> {
    const known = await findAccount(this.#o.database.kysely, whose.id);
    const restored = this.#o.receives.restored();
    if (known && (restored?.at ?? 0) <= known.looked_at) return null;
    const from = known?.next_index ?? 0;
    return { ...whose, from, at: from, first: from, used: new Set(), known: known !== undefined, restored };
  }

  /**
   * After a restore addresses are given out from further on by the gap limit, because so many may have been given out that nobody
   * has paid to. What is skipped so is watched: it may be paid to at any time. An account that wasn't in the books may have been
   * used by others before us: what was paid to it is our orders' only while the restore isn't over.
   */
  async #end({ id, merchant, network, from, first, used, known, restored }: Progress): Promise<void> {
    const { receives: { account, gapLimit }, database, clock, log } = this.#o;
    const firstIndex = restored ? first + gapLimit : first;
    const ours = known || restored?.over === false;
    const now = clock.now();
    const skipped = Array.from({ length: firstIndex - from }, (_, i) => from + i)
      .filter((index) => ours || !used.has(index))
      .map((index) => ({ index, ...account.derive(index, network) }));
    await database.transaction(async (tx) => {
      await openAccount(tx, { id, merchant, network, firstIndex, now });
      if (restored) await keepSkipped(tx, { account: id, merchant, network, skipped, now });
    });
    log.info("btc.account", { first_index: firstIndex });
    if (!restored) return;
    log.warn("btc.indexes_skipped", {
      from,
      to: firstIndex,
      why: "a backup was restored: they may have been given out",
      remedy: "raise the gap limit of your wallet, or it doesn't see what is paid to later addresses",
    });
  }
}
