import type { Clock } from "../clock.ts";
import { type Log } from "../log.ts";
import type { ObservedWallet } from "../payments/observed_wallet.ts";
import type { Service } from "../service.ts";
import { probeWallet } from "./wallet_probe.ts";

const EVERY_MS = 30_000;
/** A wallet that answered is left alone for so many rounds. */
const ROUNDS = 4;
const PATIENCE_MS = 8_000;

/** Asks wallets how they are when nobody else does: the owners hear of one that is away before a customer does, and of its return. */
export class WalletPulse implements Service {
  readonly #o: { clock: Clock; log: Log; wallets: () => ObservedWallet[] };
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(o: { clock: Clock; log: Log; wallets: () => ObservedWallet[] }) {
    this.#o = o;
  }

  start(): Promise<void> {
    this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log, wallets } = this.#o;
    for (let round = 1;; round++) {
      await clock.sleep(EVERY_MS, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      const asked = wallets().filter((wallet) => wallet.up !== true || round % ROUNDS === 0);
      await Promise.all(asked.map(async (wallet) => {
        const probed = await probeWallet(wallet, clock, PATIENCE_MS, this.#stop.signal);
        if (!probed.ok) log.debug("wallet.silent", { wallet: wallet.id, error: probed.text });
      }));
    }
  }
}
