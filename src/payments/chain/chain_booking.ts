import type { Clock } from "../../clock.ts";
import type { Database, Tx } from "../../db/database.ts";
import type { Log } from "../../log.ts";
import { formatSat, satToMsat } from "../../money/msat.ts";
import { addTimeline, type OrderRow } from "../../orders/orders_store.ts";
import { enqueueReplies } from "../../orders/replies.ts";
import type { Random } from "../../random.ts";
import { isUnpaid, type OrdersPort, owedMsat } from "../orders_port.ts";
import { recordPayment } from "../payments_store.ts";
import { recordUnmatched } from "../unmatched.ts";
import {
  judge,
  type KnownOutput,
  nextLookUpAt,
  outpointOf,
  paidAt,
  WAITS_FOR_BLOCK_MS,
} from "./chain_rules.ts";
import type { ChainOutput } from "./chain_server.ts";
import {
  type ChainAddressRow,
  firstSeenAt,
  lockAddress,
  outputsOf,
  putOutput,
  seenSat,
  updateAddress,
} from "./chain_store.ts";

export interface ChainBookingOptions {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  orders: OrdersPort;
  /** How many blocks make an output money; at least 1. */
  confirmations: number;
}

/** Books what a server says of an address: the only way that on-chain money gets into the books. */
export class ChainBooking {
  readonly #o: ChainBookingOptions;

  constructor(options: ChainBookingOptions) {
    this.#o = options;
  }

  /**
   * Stores it with all that follows from it in one transaction; so is when to ask next. Whoever calls this twice changes nothing
   * the second time.
   */
  async book(row: ChainAddressRow, said: readonly ChainOutput[], tip: number): Promise<void> {
    await this.#o.database.transaction((tx) => this.#book(tx, row, said, tip));
  }

  async #book(
    tx: Tx,
    { address, order_id: orderId }: ChainAddressRow,
    said: readonly ChainOutput[],
    tip: number,
  ): Promise<void> {
    const { orders, clock, random, confirmations } = this.#o;
    const now = clock.now();
    const order = await orders.orderOf(tx, orderId);
    const row = await lockAddress(tx, address);
    if (!row) return;
    const judged = judge(await outputsOf(tx, address), said, { tip, confirmations });
    for (const output of judged.changes) await putOutput(tx, address, output, now);
    for (const output of judged.book) await this.#arrived(tx, row, output, { tip, now });
    if (order) await this.#tell(tx, row, order, judged.changes, now);
    const after = await orders.orderOf(tx, orderId);
    await updateAddress(tx, address, {
      used: row.used === 1 || said.length > 0 ? 1 : 0,
      next_lookup_at: nextLookUpAt({
        createdAt: row.created_at,
        orderExpiresAt: after && isUnpaid(after) ? after.expires_at : null,
        pending: judged.pending,
        now,
        chance: random.fraction(),
      }),
    });
  }

  async #arrived(
    tx: Tx,
    row: ChainAddressRow,
    output: KnownOutput,
    { tip, now }: { tip: number; now: number },
  ): Promise<void> {
    const { orders, random, log } = this.#o;
    const { merchant, account, order_id: orderId } = row;
    const amountMsat = satToMsat(output.amountSat);
    const payment = {
      id: random.uuid(),
      merchant,
      wallet: account,
      paymentHash: outpointOf(output),
      invoiceId: null,
      amountMsat,
      settledAt: now,
      now,
    };
    const order = await orders.orderOf(tx, orderId);
    const first = order
      ? await recordPayment(tx, { ...payment, orderId })
      : await recordUnmatched(tx, payment, `Its order, ${orderId}, isn't in the books any more.`);
    log.info("payment.recorded", { order: orderId, outpoint: outpointOf(output), matched: !!order, first });
    if (!order || !first) return;
    const at = paidAt({ seenAt: await firstSeenAt(tx, output), height: output.height ?? tip, tip, now });
    await orders.paymentArrived(tx, { order, amountMsat, paidAt: at, now });
  }

  /** The timeline has what was seen and what is gone; the customer hears once that the payment is on its way. */
  async #tell(
    tx: Tx,
    row: ChainAddressRow,
    order: OrderRow,
    changes: readonly KnownOutput[],
    now: number,
  ): Promise<void> {
    const { confirmations, log } = this.#o;
    const blocks = confirmations === 1 ? "1 confirmation" : `${confirmations} confirmations`;
    for (const output of changes) {
      const amount = formatSat(satToMsat(output.amountSat));
      const note = (text: string) => addTimeline(tx, order.id, now, [{ event: "noted", text }]);
      if (output.state === "replaced") {
        await note(`A payment of ${amount} that was seen on-chain isn't there any more: it was replaced.`);
      }
      if (output.state === "lost") {
        log.error("btc.payment_lost", { order: order.id, outpoint: outpointOf(output) });
        await note(
          `The block with a payment of ${amount} isn't part of the chain any more. It is booked: look into your wallet.`,
        );
      }
      // What already has a block may only wait for more of them; of what is new there is something to say.
      if (output.state !== "seen" || row.told_at !== null || !isUnpaid(order)) continue;
      const seq = await note(`A payment of ${amount} was seen on-chain. It waits for ${blocks}.`);
      row.told_at = now;
      await updateAddress(tx, row.address, { told_at: now });
      const text = `Your payment of ${amount} was seen and waits for ${blocks} on the Bitcoin network. ` +
        "You'll hear from us as soon as it is there.";
      await enqueueReplies(tx, order, seq, [{ reply: "apology", note: text }], now);
    }
  }
}

/**
 * Whether enough for an order is on its way: seen, and in no block that counts. It waits for a day from the first that was seen,
 * however often that is replaced; a payment that no miner takes until then is a late one.
 */
export async function comesOnChain(tx: Tx, order: OrderRow, now: number): Promise<boolean> {
  const seen = await seenSat(tx, { orderId: order.id, since: now - WAITS_FOR_BLOCK_MS });
  return seen > 0n && satToMsat(seen) > owedMsat(order) - 1_000n;
}
