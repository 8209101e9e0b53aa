import meta from "../../deno.json" with { type: "json" };
import type { Strangers } from "../messages/strangers.ts";
import type { MerchantAdmission } from "../policies/admission.ts";
import type { RelayServer } from "../relay/relay_server.ts";
import type { LiveFigures } from "../reports/metrics.ts";
import type { MerchantRegistry } from "./merchant_registry.ts";

/** What metrics need that isn't in the database. */
export function liveFigures(o: {
  merchants: MerchantRegistry;
  admission: MerchantAdmission;
  strangers: Strangers;
  relay: RelayServer;
  startedAt: number;
}): LiveFigures {
  const all = () => o.merchants.all();
  return {
    version: meta.version,
    startedAt: o.startedAt,
    relays: () =>
      all().flatMap((merchant) =>
        merchant.relayStatus().map((relay) => ({
          merchant: merchant.pubkey,
          ...relay,
          connected: relay.state === "connected",
          deaf: relay.deaf !== null,
          refusing: relay.refusing !== null,
        }))
      ),
    refusals: () => o.admission.counts(),
    events: () => {
      const sum = { received: 0, duplicates: 0, invalid: 0 };
      for (const merchant of all()) {
        const { received, duplicates, invalid } = merchant.intake.status();
        sum.received += received;
        sum.duplicates += duplicates;
        sum.invalid += invalid;
      }
      return sum;
    },
    relayConnections: () => o.relay.connections(),
    relayRefusals: () => o.relay.counts(),
    strangers: () => o.strangers.status(),
    walletUp: () => {
      const known = all().flatMap(({ wallet }) => wallet === null || wallet.up === null ? [] : [wallet.up]);
      return known.length === 0 ? null : known.every((up) => up);
    },
  };
}
