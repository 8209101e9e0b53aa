import meta from "../../deno.json" with { type: "json" };
import type { RelayInfo } from "../relay/nip11.ts";
import type { Settings } from "../settings.ts";
import type { MerchantRegistry } from "./merchant_registry.ts";

/** What the built-in relay says of itself (NIP-11). */
export function relayInfo(merchants: MerchantRegistry, settings: Settings): RelayInfo {
  const first = merchants.all()[0];
  return {
    name: first?.row.name || "ncc",
    description: "The relay of a shop: messages to its merchant, and what the merchant publishes.",
    ...(first && { pubkey: first.pubkey }),
    version: meta.version,
    minPow: settings.NCC_MIN_POW,
  };
}
