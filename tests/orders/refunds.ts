import { encodeBolt11, type NewBolt11 } from "../../src/payments/bolt11.ts";
import {
  approveRefund,
  cancelRefund,
  type Decided,
  refundByHand,
  retryRefund,
} from "../../src/payments/refund_decisions.ts";
import { refundOrder } from "../../src/payments/refund_requests.ts";
import type { RefundRow } from "../../src/payments/refunds_store.ts";
import { systemRandom } from "../../src/random.ts";
import { type Customer, requestIn } from "../support/customer.ts";
import type { Shop } from "../support/shop.ts";

/** Does something that a person decides; throws the reason of a refusal. */
export async function decides(shop: Shop, decision: Decision): Promise<RefundRow> {
  const decided = await tries(shop, decision);
  if (!decided.ok) throw new Error(decided.reason);
  await shop.settle();
  return decided.refund;
}

export type Decision =
  | { approve: string; canPay?: boolean }
  | { byHand: string }
  | { cancel: string; reason: string }
  | { retry: string }
  | { refund: string; amountMsat?: bigint; reason: string };

/** The same without carrying out what follows from it; answers the refusal. */
export async function tries(shop: Shop, decision: Decision): Promise<Decided> {
  const now = shop.clock.now();
  return await shop.database.transaction((tx) => {
    if ("approve" in decision) {
      return approveRefund(tx, { id: decision.approve, by: "ann", canPay: decision.canPay ?? true }, now);
    }
    if ("byHand" in decision) {
      return refundByHand(tx, { id: decision.byHand, by: "ann", note: "Handed over in cash." }, now);
    }
    if ("cancel" in decision) {
      return cancelRefund(tx, { id: decision.cancel, reason: decision.reason }, now);
    }
    if ("retry" in decision) return retryRefund(tx, decision.retry, now);
    const { refund: orderId, ...of } = decision;
    return refundOrder(tx, { orderId, ...of, fact: `request:${systemRandom.uuid()}` }, now);
  });
}

/** The shop's refunds, oldest first. */
export async function refunds(shop: Shop): Promise<RefundRow[]> {
  return await shop.database.kysely.selectFrom("refunds").selectAll().orderBy("created_at").orderBy("id")
    .execute();
}

/** The only refund. */
export async function refund(shop: Shop): Promise<RefundRow> {
  const all = await refunds(shop);
  if (all.length !== 1) throw new Error(`there are ${all.length} refunds`);
  return all[0]!;
}

/** An invoice of a customer's own wallet, good for a day. */
export async function invoiceOver(shop: Shop, sat: number, expirySeconds = 86_400): Promise<string> {
  const made = await shop.purse.createInvoice({
    amountMsat: BigInt(sat) * 1000n,
    description: "refund",
    expirySeconds,
    externalId: "",
  }, new AbortController().signal);
  return made.bolt11;
}

/** An invoice that no wallet knows. */
export function foreignInvoice(shop: Shop, change: Partial<NewBolt11> = {}): string {
  return encodeBolt11({
    network: "bcrt",
    amountMsat: 100_000n,
    timestamp: Math.floor(shop.clock.now() / 1000),
    paymentHash: "ab".repeat(32),
    paymentSecret: "cd".repeat(32),
    description: "refund",
    expirySeconds: 86_400,
    ...change,
  }, new Uint8Array(32).fill(9));
}

/** Buys a cup for 100 sat, pays it, and the merchant cancels: 100 sat are due to the customer, who has heard so. */
export async function owed(shop: Shop, customer: Customer, id = "order-1"): Promise<RefundRow> {
  await customer.pays(requestIn(await customer.orders({ id })));
  await shop.happens(await shop.order(id), { type: "merchantCancelled", reason: "The kiln broke" });
  await customer.hears();
  const order = await shop.order(id);
  return (await refunds(shop)).find((one) => one.order_id === order.id)!;
}

/** The plain text that the customer is told, alone. */
export function chatIn(answers: { text?: string; raw: string }[]): string {
  if (answers.length !== 1 || answers[0]!.text === undefined) {
    throw new Error(`no single text: ${JSON.stringify(answers.map((one) => one.raw))}`);
  }
  return answers[0]!.text;
}

/** Kinds of what the owners were told. */
export async function alerts(shop: Shop): Promise<string[]> {
  const rows = await shop.database.kysely.selectFrom("notices").select("kind").orderBy("seq").execute();
  return rows.map((row) => row.kind).filter((kind) => kind.startsWith("refund"));
}
