import { installRelaySocket } from "../nostr/websocket.ts";
import { type EventCrypto, loadVerifier } from "../nostr/verify.ts";
import { lookAtBtc } from "./doctor/btc.ts";
import { type Finding, found, type Patient } from "./doctor/finding.ts";
import { lookAtKey, lookAtOwners } from "./doctor/key.ts";
import { lookAtMedusa } from "./doctor/medusa.ts";
import { lookAtPort, lookAtRelays } from "./doctor/network.ts";
import { lookAtRates } from "./doctor/rates.ts";
import { lookAtData, lookAtDatabase } from "./doctor/storage.ts";
import { lookAtWallets } from "./doctor/wallets.ts";

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
  const [port, relays, wallets, rates, btc, medusa] = await Promise.all([
    found("port", () => lookAtPort(patient)),
    lookAtRelays(patient, crypto, signer),
    lookAtWallets(patient, crypto),
    found("rates", () => lookAtRates(patient)),
    lookAtBtc(patient),
    lookAtMedusa(patient),
  ]);
  return [
    data,
    ...(data.state === "problem" ? [] : [await lookAtDatabase(patient)]),
    key,
    port,
    ...relays,
    ...wallets,
    rates,
    ...btc,
    ...medusa,
    lookAtOwners(patient, signer?.pubkey ?? null),
  ];
}
