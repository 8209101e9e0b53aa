import { type JsonObject, own } from "./bounded_json.ts";

/** The word for it, in both spellings. */
const CANCELLED = /^cancell?ed$/i;

/**
 * Whether a JSON message asks to cancel an order. NIP-15 gives customers no way to say it, so Gamma's is taken in NIP-15's
 * dress (design §4): `{ "id": …, "type": 3, "status": "cancelled" }`. Every other type 3 is somebody's report.
 */
export function asksToCancel(json: JsonObject, type: number | null): boolean {
  const status = own(json, "status");
  return type === 3 && typeof status === "string" && CANCELLED.test(status.trim());
}

/** The order that a message of Gamma asks to cancel (kind 16: `type` 3, `status` cancelled, `order`); null when it doesn't. */
export function cancelledByTags(kind: number, tags: string[][]): string | null {
  const value = (name: string) => tags.find((tag) => tag[0] === name)?.[1] ?? "";
  const asks = kind === 16 && value("type") === "3" && CANCELLED.test(value("status"));
  return asks && value("order") !== "" ? value("order") : null;
}
