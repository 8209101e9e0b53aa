import type { Tx } from "../../db/database.ts";
import type { Log } from "../../log.ts";
import { type Msat, MSAT_PER_SAT } from "../../money/msat.ts";
import type { Network, PaymentLink } from "../wallet.ts";
import { type ChainAccount, type DerivedAddress } from "./account.ts";
import { bip21 } from "./bip21.ts";
import { addressOf, giveAddress, lockAccount, unusedInARow } from "./chain_store.ts";

export interface BtcOffersOptions {
  account: ChainAccount;
  /** Whose account it is; null: nobody's here. */
  merchant: () => string | null;
  /** The chain that is watched now; null: none, and nothing is offered that nobody would see paid. */
  network: () => Network | null;
  leastSat: bigint;
  /** How many addresses in a row may be given out that nobody has paid to: a wallet looks no further ahead. */
  gapLimit: number;
  log: Log;
}

/** An invoice that may be paid on-chain as well. */
export interface Offered {
  merchant: string;
  orderId: string;
  amountMsat: Msat;
  /** The invoice's own. */
  network: Network;
  now: number;
}

/** Offers an on-chain address with an invoice: one of each order, of the merchant's own wallet. */
export class BtcOffers {
  readonly #o: BtcOffersOptions;
  #exhausted = false;

  constructor(options: BtcOffersOptions) {
    this.#o = options;
  }

  /** So many addresses in a row are unused that no further one is given out. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** The option for an invoice, its address stored for ever; null where there is none to be offered. */
  async link(tx: Tx, { merchant, orderId, amountMsat, network, now }: Offered): Promise<PaymentLink | null> {
    const { account, leastSat } = this.#o;
    // An address of another network than the invoice's would be of other money.
    if (merchant !== this.#o.merchant() || network !== this.#o.network()) return null;
    if (!account.networks.includes(network) || amountMsat < leastSat * MSAT_PER_SAT) return null;
    const id = accountId(account, network);
    const before = await addressOf(tx, { orderId, account: id });
    const address = before?.address ?? (await this.#give(tx, { id, network, orderId, now }))?.address;
    return address === undefined ? null : { type: "btc", link: bip21(address, amountMsat) };
  }

  async #give(
    tx: Tx,
    o: { id: string; network: Network; orderId: string; now: number },
  ): Promise<DerivedAddress | null> {
    const { account, gapLimit, log } = this.#o;
    const row = await lockAccount(tx, o.id);
    if (!row) return null;
    const exhausted = await unusedInARow(tx, row) >= gapLimit;
    if (exhausted && !this.#exhausted) {
      log.warn("btc.gap_limit", {
        unused: gapLimit,
        effect: "orders are paid by Lightning alone until one of these addresses is paid to",
        remedy: "raise the gap limit of your wallet, then NCC_BTC_GAP",
      });
    }
    this.#exhausted = exhausted;
    if (exhausted) return null;
    const derived = account.derive(row.next_index, o.network);
    await giveAddress(tx, row, { derived, orderId: o.orderId, now: o.now });
    return derived;
  }
}

/** What the books call an account: one key may be of several test networks. */
export function accountId(account: ChainAccount, network: Network): string {
  return network === "bc" ? account.id : `${account.id}:${network}`;
}
