import type { Clock } from "../../../clock.ts";
import type { Tell } from "../following.ts";
import type { LndApi } from "./lnd_api.ts";
import { WalletError } from "../../wallet.ts";
import { type LndInvoice, readInvoice, readPage } from "./lnd_invoice.ts";

/** A connection that died without a word is noticed by nobody; a new one costs little, and misses nothing. */
const RENEW_MS = 600_000;

/** LND doesn't say when a stream that tells nothing yet has begun: what was paid meanwhile is looked for after so long. */
const LOOK_AGAIN_MS = [1_000, 5_000, 15_000];
/** How many of the newest invoices are looked at for that. */
const NEWEST = 100;

/**
 * `/v1/invoices/subscribe`: tells each invoice that is settled after settle index `cursor`, also those from before the call.
 * Where nothing was read before, it goes on from the last index that it finds.
 */
export async function followInvoices(
  api: LndApi,
  clock: Clock,
  cursor: string | null,
  tell: Tell,
  signal: AbortSignal,
): Promise<void> {
  using renewal = new Renewal(clock, signal);
  const from = cursor ?? await lastIndex(api, tell, renewal.signal);
  const looking = from === null ? lookAgain(api, clock, tell, renewal.signal) : Promise.resolve();
  // LND: index 0 tells only what is settled from now on.
  const query = { settle_index: from ?? "0" };
  try {
    for await (const message of api.stream("GET", "v1/invoices/subscribe", { query }, renewal.signal)) {
      // It tells of new invoices as well.
      await tellSettled([readInvoice(message)], tell);
    }
  } catch (error) {
    if (!renewal.due) throw error;
  } finally {
    renewal.end();
    await looking;
  }
}

/** Where a stream begins that was never read; null when nothing that is new was paid yet. */
async function lastIndex(api: LndApi, tell: Tell, signal: AbortSignal): Promise<string | null> {
  const invoices = await newest(api, signal);
  await tell({});
  await tellSettled(invoices, tell);
  const last = invoices.reduce((most, { settle_index: index }) => index > most ? index : most, 0n);
  return last === 0n ? null : String(last);
}

async function lookAgain(api: LndApi, clock: Clock, tell: Tell, signal: AbortSignal): Promise<void> {
  for (const ms of LOOK_AGAIN_MS) {
    await clock.sleep(ms, signal);
    if (signal.aborted) return;
    try {
      await tellSettled(await newest(api, signal), tell);
    } catch (error) {
      // The stream meets the same fault, and says so.
      if (!(error instanceof WalletError)) throw error;
    }
  }
}

async function newest(api: LndApi, signal: AbortSignal): Promise<LndInvoice[]> {
  const query = { reversed: "true", num_max_invoices: String(NEWEST) };
  return readPage(await api.ask("GET", "v1/invoices", { query }, signal)).invoices;
}

/** In the order in which they were paid: the last index told is the one that is gone on from. */
async function tellSettled(invoices: LndInvoice[], tell: Tell): Promise<void> {
  const settled = invoices.filter(({ state }) => state === "SETTLED")
    .sort((one, other) => Number(one.settle_index - other.settle_index));
  for (const { r_hash: paymentHash, settle_index: index } of settled) {
    await tell({ paymentHash }, index > 0n ? String(index) : undefined);
  }
}

/** Ends what it watches over after a while, or when `signal` does. */
class Renewal implements Disposable {
  readonly signal: AbortSignal;
  readonly #ended = new AbortController();
  readonly #due = new AbortController();

  constructor(clock: Clock, signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.#due.signal]);
    clock.sleep(RENEW_MS, AbortSignal.any([signal, this.#ended.signal])).then(() => {
      if (!this.#ended.signal.aborted) this.#due.abort(new Error("the stream is renewed"));
    });
  }

  /** Whether time is up, and nothing else ended it. */
  get due(): boolean {
    return this.#due.signal.aborted && !this.#ended.signal.aborted;
  }

  end(): void {
    this.#ended.abort();
    this.#due.abort(new Error("the stream has ended"));
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
