import type { Traits } from "../orders/types.ts";

/** What an answer has to know of the order that it answers. */
export interface Addressee {
  dialect: string;
  customerOrderId: string;
  traits: Traits;
  envelope: "nip04" | "nip17";
}

/** The `id` of an answer: the customer's own, byte for byte, or none when theirs had none. */
export function idOf({ customerOrderId, traits }: Addressee): { id?: string | number } {
  if (traits.withoutId) return {};
  return { id: traits.numericId ? Number(customerOrderId) : customerOrderId };
}
