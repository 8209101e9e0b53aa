import { installRelaySocket } from "../nostr/websocket.ts";
import { type EventCrypto, loadVerifier } from "../nostr/verify.ts";
import { type Finding, found, type Patient, warning, well } from "./doctor/finding.ts";
import { lookAtKey, lookAtOwners } from "./doctor/key.ts";
import { lookAtPort, lookAtRelays, lookAtSpendWallet, lookAtWallet } from "./doctor/network.ts";
import { lookAtData, lookAtDatabase } from "./doctor/storage.ts";

export type { Finding } from "./doctor/finding.ts";

/** Looks at everything that the shop needs. It changes nothing: what isn't there yet is not made. */
export async function diagnose(patient: Patient): Promise<Finding[]> {
  const crypto = await loadVerifier();
  const uninstall = installRelaySocket();
  try {
    return await lookAtAll(patient, crypto);
  } finally {
    uninstall();
  }
}

async function lookAtAll(patient: Patient, crypto: EventCrypto): Promise<Finding[]> {
  const data = await lookAtData(patient);
  const { finding: key, signer } = await lookAtKey(patient, crypto);
  const [port, relays, wallet, spend] = await Promise.all([
    found("port", () => lookAtPort(patient)),
    lookAtRelays(patient, crypto, signer),
    lookAtWallet(patient, crypto),
    lookAtSpendWallet(patient, crypto),
  ]);
  return [
    data,
    ...(data.state === "problem" ? [] : [await lookAtDatabase(patient)]),
    key,
    port,
    ...relays,
    wallet,
    ...spend,
    lookAtRates(patient),
    lookAtOwners(patient, signer?.pubkey ?? null),
  ];
}

function lookAtRates({ settings }: Patient): Finding {
  const what = "rates";
  if (settings.NCC_RATES === undefined) {
    return well(what, "none: prices in sats need none; for others set NCC_RATES=fixed:EUR=90000");
  }
  return warning(what, "fixed: they don't follow the market", "Keep NCC_RATES up to date by hand.");
}
