import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import type { NostrEvent } from "@nostrify/types";
import { finalizeEvent } from "nostr-tools/pure";
import { systemClock } from "../../src/clock.ts";
import type { AddressGuard } from "../../src/web/address_guard.ts";
import { type RelayOptions, RelayPool } from "../../src/nostr/relay_pool.ts";
import { localSigner, type MerchantSigner } from "../../src/nostr/signer.ts";
import { pureCrypto } from "../../src/nostr/verify.ts";
import { installRelaySocket } from "../../src/nostr/websocket.ts";
import { systemRandom } from "../../src/random.ts";
import type { Clock } from "../../src/clock.ts";
import type { Log } from "../../src/log.ts";
import { silentLog } from "./log.ts";

/** A fresh key with a signer. */
export function testSigner(): MerchantSigner {
  return localSigner(generateSecretKey(), pureCrypto);
}

/** Times so short that a test on the machine's clock sees retries. */
export const quick: Partial<RelayOptions> = {
  connectTimeoutMs: 2_000,
  publishTimeoutMs: 2_000,
  queryTimeoutMs: 2_000,
  silenceMs: 2_000,
  backOffFirstMs: 10,
  backOffMostMs: 50,
};

/** A pool with quick times on the project's own socket; `await using` closes it and gives the global back. */
export function testPool(
  o: {
    signer?: MerchantSigner | null;
    clock?: Clock;
    log?: Log;
    trusted?: string[];
    guard?: AddressGuard;
    relayOptions?: Partial<RelayOptions>;
  } = {},
): RelayPool & AsyncDisposable {
  const uninstall = installRelaySocket(o.guard);
  const pool = new RelayPool({
    signer: o.signer === undefined ? testSigner() : o.signer,
    clock: o.clock ?? systemClock,
    random: systemRandom,
    log: o.log ?? silentLog,
    ...(o.trusted && { trusted: o.trusted }),
    relayOptions: { ...quick, ...o.relayOptions },
  });
  return Object.assign(pool, {
    [Symbol.asyncDispose]: async () => {
      await pool.close();
      uninstall();
    },
  });
}

const customer = generateSecretKey();
export const customerKey = getPublicKey(customer);

/** A signed kind 4 to `merchant`, by one customer unless `by` is given. */
export function directMessage(
  merchant: string,
  o: { at: number; text?: string; by?: Uint8Array; kind?: number },
): NostrEvent {
  const event = finalizeEvent({
    kind: o.kind ?? 4,
    content: o.text ?? crypto.randomUUID(),
    tags: [["p", merchant]],
    created_at: o.at,
  }, o.by ?? customer);
  return JSON.parse(JSON.stringify(event));
}

/** Waits until `check` holds; fails after `ms`. For what really happens on a wire. */
export async function until(check: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  const end = Date.now() + ms;
  while (!await check()) {
    if (Date.now() > end) throw new Error(`didn't happen within ${ms} ms: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
