import { alert } from "../../alert.ts";
import type { Clock } from "../../clock.ts";
import type { Database, Tx } from "../../db/database.ts";
import type { Log } from "../../log.ts";
import { formatSat, satToMsat } from "../../money/msat.ts";
import { addTimeline, type OrderRow } from "../../orders/orders_store.ts";
import { enqueueReplies } from "../../orders/replies.ts";
import type { Random } from "../../random.ts";
import { isUnpaid, type OrdersPort } from "../orders_port.ts";
import { lockPaymentByHash, recordPayment, renamePayment } from "../payments_store.ts";
import { recordUnmatched } from "../unmatched.ts";
import { judge, type KnownOutput, nextLookUpAt, outpointOf, paidAt } from "./chain_rules.ts";
import type { ChainOutput } from "./chain_server.ts";
import {
  type ChainAddressRow,
  firstSeenAt,
  lockAddress,
  outputsOf,
  putOutput,
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
   * the second time. True when something there isn't booked yet.
   */
  async book(row: ChainAddressRow, said: readonly ChainOutput[], tip: number): Promise<boolean> {
    return await this.#o.database.transaction((tx) => this.#book(tx, row, said, tip));
  }

  async #book(
    tx: Tx,
    { address, order_id: orderId }: ChainAddressRow,
    said: readonly ChainOutput[],
    tip: number,
  ): Promise<boolean> {
    const { clock, random, confirmations } = this.#o;
    const now = clock.now();
    const order = await this.#orderOf(tx, orderId);
    const row = await lockAddress(tx, address);
    if (!row) return false;
    const known = await outputsOf(tx, address);
    const judged = judge(known, said, { tip, confirmations });
    for (const output of judged.changes) await putOutput(tx, address, output, now);
    for (const one of judged.book) {
      if (one.insteadOf) await this.#tookPlace(tx, row, one.output, one.insteadOf, now);
      else await this.#arrived(tx, row, one.output, { lost: judged.lost, tip, now });
    }
    const instead = new Set(judged.book.flatMap((one) => one.insteadOf ? [outpointOf(one.insteadOf)] : []));
    const news = judged.changes.filter((output) => !instead.has(outpointOf(output)));
    for (const output of news) if (output.state === "lost") await this.#lost(tx, row, output, { tip, now });
    if (order) await this.#tell(tx, row, order, { news, known }, now);
    const after = await this.#orderOf(tx, orderId);
    await updateAddress(tx, address, {
      // What is in no block may be taken back, and then no wallet looks behind this address.
      used: row.used === 1 || said.some(({ height }) => height !== null) ? 1 : 0,
      next_lookup_at: nextLookUpAt({
        createdAt: row.created_at,
        orderExpiresAt: after && isUnpaid(after) ? after.expires_at : null,
        pending: judged.pending,
        now,
        chance: random.fraction(),
      }),
    });
    return judged.pending;
  }

  async #arrived(
    tx: Tx,
    row: ChainAddressRow,
    output: KnownOutput,
    { lost, tip, now }: { lost: readonly KnownOutput[]; tip: number; now: number },
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
    const order = await this.#orderOf(tx, orderId);
    // Whether it is further money or comes for what is lost, only the merchant can find out.
    const stray = orderId === null
      ? "It came to an address that may have been given out before the restore; the books don't know to whom."
      : !order
      ? `Its order, ${orderId}, isn't in the books any more.`
      : lost.length > 0
      ? `It came to the address of order ${orderId}, whose payment of ${sumText(lost)} is booked and was ` +
        "lost with its block: look into your wallet before you assign or refund it."
      : null;
    const first = stray === null
      ? await recordPayment(tx, { ...payment, orderId })
      : await recordUnmatched(tx, payment, stray);
    const matched = stray === null;
    log.info("payment.recorded", { order: orderId, outpoint: outpointOf(output), matched, first });
    if (!order || !matched || !first) return;
    const at = paidAt({ seenAt: await firstSeenAt(tx, output), height: output.height ?? tip, tip, now });
    await orders.paymentArrived(tx, { order, amountMsat, paidAt: at, now });
  }

  /** What was lost with its block came as another transaction: the books have one payment, and now its present name. */
  async #tookPlace(
    tx: Tx,
    { order_id: orderId }: ChainAddressRow,
    output: KnownOutput,
    lost: KnownOutput,
    now: number,
  ): Promise<void> {
    const [from, to] = [outpointOf(lost), outpointOf(output)];
    if (await lockPaymentByHash(tx, to)) return;
    await renamePayment(tx, from, to);
    this.#o.log.info("payment.took_place", { order: orderId, outpoint: to, of: from });
    const order = await this.#orderOf(tx, orderId);
    if (!order) return;
    const text =
      `The payment of ${sumText([lost])} whose block was lost came by another transaction, which ` +
      "counts in its place.";
    await addTimeline(tx, order.id, now, [{ event: "noted", text }]);
  }

  /** Goods may be on their way for money that isn't there: the owners hear of it. */
  async #lost(
    tx: Tx,
    { merchant, order_id: orderId }: ChainAddressRow,
    output: KnownOutput,
    { tip, now }: { tip: number; now: number },
  ): Promise<void> {
    const outpoint = outpointOf(output);
    this.#o.log.error("btc.payment_lost", { order: orderId, outpoint });
    const detail =
      `${sumText([output])}: mostly another block has it soon. Send nothing until it has, and look ` +
      "into your wallet.";
    // It may be lost again, when the chain is higher.
    const fact = `output:${outpoint}:lost:${tip}`;
    const of = orderId === null ? {} : { orderId };
    await alert(tx, { merchant, kind: "payment_lost", fact, ...of, detail }, now);
  }

  async #orderOf(tx: Tx, orderId: string | null): Promise<OrderRow | undefined> {
    return orderId === null ? undefined : await this.#o.orders.orderOf(tx, orderId);
  }

  /** The timeline has what was seen and what is gone; the customer hears once that the payment is on its way. */
  async #tell(
    tx: Tx,
    row: ChainAddressRow,
    order: OrderRow,
    { news, known }: { news: readonly KnownOutput[]; known: readonly KnownOutput[] },
    now: number,
  ): Promise<void> {
    const { confirmations } = this.#o;
    const blocks = confirmations === 1 ? "1 confirmation" : `${confirmations} confirmations`;
    const wereLost = new Set(known.filter(({ state }) => state === "lost").map(outpointOf));
    for (const output of news) {
      const amount = formatSat(satToMsat(output.amountSat));
      const note = (text: string) => addTimeline(tx, order.id, now, [{ event: "noted", text }]);
      if (output.state === "replaced") {
        await note(`A payment of ${amount} that was seen on-chain isn't there any more: it was replaced.`);
      }
      if (output.state === "lost") {
        await note(
          `The block with a payment of ${amount} isn't part of the chain any more. It is booked: look into your wallet.`,
        );
      }
      if (output.state === "booked" && wereLost.has(outpointOf(output))) {
        await note(`The payment of ${amount} whose block was lost is in another block.`);
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

function sumText(outputs: readonly KnownOutput[]): string {
  return formatSat(satToMsat(outputs.reduce((sum, { amountSat }) => sum + amountSat, 0n)));
}
