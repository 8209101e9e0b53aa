import type { PaymentOption, Reply } from "../orders/types.ts";
import { type Addressee, idOf } from "./addressee.ts";

/**
 * NIP-15's answers, as LNbits' market app, EdenWeeks, Plebeian Tech (`stall_id`), Conduit's first clients and the
 * NIP-17 fork of LNbits read them: numbers for types, pure JSON, the `ln` option first, and to LNbits' shape nothing
 * but type 1 before payment, because its payment dialog closes on any type 2.
 */
export function phraseNip15(reply: Reply, order: Addressee): string[] {
  const id = idOf(order);
  switch (reply.kind) {
    case "payment_request":
      return [JSON.stringify({
        ...id,
        type: 1,
        message: reply.message,
        payment_options: lightningFirst(reply.options).map((option) => ({
          type: option.type,
          link: option.link,
          amount_sats: Number(option.amountSat),
          expiry: option.expirySeconds,
        })),
      })];
    case "refusal": {
      const refusal = { ...id, type: 1, message: reply.reason, payment_options: [] };
      if (order.traits.stallKey === "none" || reply.orderStands) return [JSON.stringify(refusal)];
      const status = reply.cancelled ? "cancelled" : "failed";
      const failed = { ...id, type: 2, status, message: reply.reason, paid: false, shipped: false };
      return [JSON.stringify(refusal), JSON.stringify(failed)];
    }
    case "status":
      return [JSON.stringify({
        ...id,
        type: 2,
        status: reply.status,
        message: reply.message,
        paid: reply.paid,
        shipped: reply.shipped,
      })];
  }
}

/** LNbits' market app fails without an `ln` option, and others take the first. */
export function lightningFirst(options: readonly PaymentOption[]): PaymentOption[] {
  return [...options.filter(({ type }) => type === "ln"), ...options.filter(({ type }) => type !== "ln")];
}
