import type { Reply, StatusWord } from "../orders/types.ts";
import { type Addressee, idOf } from "./addressee.ts";
import { lightningFirst } from "./nip15.ts";

/** plebeian.market's own status words. */
type PlebeianStatus = "pending" | "confirmed" | "shipped" | "completed" | "cancelled";

/**
 * The answers that plebeian.market's orders (`stallId`, camel case) expect: NIP-15's with its own status words,
 * a `payment_id`, and the invoice once more as `paymentRequest`.
 */
export function phrasePlebeian(reply: Reply, order: Addressee): string[] {
  const id = idOf(order);
  switch (reply.kind) {
    case "payment_request":
      return [JSON.stringify({
        ...id,
        payment_id: reply.paymentId,
        type: 1,
        message: reply.message,
        payment_options: lightningFirst(reply.options).map((option) => ({
          type: option.type,
          link: option.link,
          ...(option.type === "ln" && { paymentRequest: option.link }),
          amount_sats: Number(option.amountSat),
          expiry: option.expirySeconds,
        })),
      })];
    case "refusal": {
      const refusal = { ...id, type: 1, message: reply.reason, payment_options: [] };
      if (reply.orderStands) return [JSON.stringify(refusal)];
      // It has one word for every order that came to nothing.
      const failed = {
        ...id,
        type: 2,
        message: reply.reason,
        status: "cancelled",
        paid: false,
        shipped: false,
      };
      return [JSON.stringify(refusal), JSON.stringify(failed)];
    }
    case "status":
      return [JSON.stringify({
        ...id,
        type: 2,
        message: reply.message,
        status: wordOf(reply.status, reply.shipped),
        paid: reply.paid,
        shipped: reply.shipped,
      })];
  }
}

function wordOf(status: StatusWord, shipped: boolean): PlebeianStatus {
  switch (status) {
    case "pending":
    case "completed":
      return status;
    case "processing":
      return shipped ? "shipped" : "confirmed";
    case "cancelled":
    case "refunded":
    case "failed":
      return "cancelled";
  }
}
