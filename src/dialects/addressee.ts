import type { Traits } from "../orders/types.ts";
import { asWritten } from "./exact_number.ts";

/** What an answer has to know of the order that it answers. */
export interface Addressee {
  dialect: string;
  customerOrderId: string;
  traits: Traits;
  envelope: "nip04" | "nip17";
}

/** The `id` of an answer: the customer's own, byte for byte, or none when theirs had none. */
export function idOf({ customerOrderId, traits }: Addressee): { id?: unknown } {
  if (traits.withoutId) return {};
  return { id: traits.numericId ? asWritten(customerOrderId) : customerOrderId };
}
