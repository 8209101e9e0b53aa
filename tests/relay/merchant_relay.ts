import { buildAdmission } from "../../src/policies/admission.ts";
import type { RelayServerOptions } from "../../src/relay/relay_server.ts";
import { BuiltInRelay } from "../support/built_in_relay.ts";
import { silentLog } from "../support/log.ts";
import { type Key, newKey } from "../support/nostr_client.ts";

/** A relay that serves one merchant, and the merchant's key. */
export async function merchantRelay(
  o:
    & { minPow?: number }
    & Partial<
      Pick<RelayServerOptions, "onArrival" | "limits" | "isRegular" | "strangers" | "verifier">
    > = {},
): Promise<{ relay: BuiltInRelay; merchant: Key } & AsyncDisposable> {
  const { minPow = 0, ...options } = o;
  let now = () => 0;
  const merchant = newKey(() => now());
  const relay = await BuiltInRelay.serve({
    ...options,
    merchants: new Set([merchant.pubkey]),
    admission: ({ merchants, ...parts }) =>
      buildAdmission({ ...parts, servedMerchants: merchants, maxBytes: 65_536, minPow, log: silentLog }),
  });
  now = relay.now;
  return { relay, merchant, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

/** A message for somebody, not signed yet. */
export function messageTo(to: { pubkey: string }, kind = 4) {
  return { kind, tags: [["p", to.pubkey]], content: "secret?iv=1" };
}
