import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { errorText, type Log } from "../log.ts";
import type { Verifier } from "../nostr/verify.ts";
import type { Service } from "../service.ts";
import type { Check } from "./health.ts";
import type { MerchantRegistry } from "./merchant_registry.ts";
import { Reconciliation } from "./reconciliation.ts";
import type { RestoreFence } from "./restore_fence.ts";
import { forgetRestore, type RestoreDesk, restoreDesk } from "./restore_report.ts";

const FORGET_EVERY_MS = 3_600_000;

/** What a restore needs while the program runs: reading the relays behind the fence, the report, and forgetting in the end. */
export function restoredParts(o: {
  database: Database;
  clock: Clock;
  log: Log;
  verifier: Verifier;
  fence: RestoreFence;
  merchants: MerchantRegistry;
  owners: ReadonlySet<string>;
}): { desk: RestoreDesk; service: Service } {
  const { database, clock, log, fence, merchants } = o;
  const reconciliation = new Reconciliation({ ...o, identities: () => merchants.all() });
  const desk = restoreDesk({
    database,
    now: () => clock.now(),
    fence,
    reconciliation,
    spendWalletOf: (merchant) => merchants.get(merchant)?.spend?.id ?? null,
  });
  const stop = new AbortController();
  const forget = async () => {
    while (fence.any && !stop.signal.aborted) {
      try {
        if (await forgetRestore({ database, fence, now: clock.now() })) log.info("restore.forgotten");
      } catch (error) {
        log.error("restore.not_forgotten", { error: errorText(error) });
      }
      await clock.sleep(FORGET_EVERY_MS, stop.signal);
    }
  };
  let forgetting: Promise<void> | undefined;
  const service: Service = {
    async start() {
      await fence.start();
      await reconciliation.start();
      forgetting = forget();
    },
    async stop() {
      stop.abort();
      await reconciliation.stop();
      await fence.stop();
      await forgetting;
    },
  };
  return { desk, service };
}

/** The fence as `/readyz` shows it; undefined when there is none. */
export function fenceCheck(fence: RestoreFence): Check | undefined {
  if (!fence.up) return undefined;
  const at = new Date(fence.fact!.backup_at).toISOString();
  return {
    ok: false,
    detail:
      `a backup of ${at} was restored: nothing is sent, invoiced, refunded, delivered or published until the ` +
      `differences are confirmed. See: ncc restore show, then: ncc restore confirm`,
  };
}
