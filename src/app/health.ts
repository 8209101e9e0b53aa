import { sql } from "kysely";
import type { Database } from "../db/database.ts";
import { errorText } from "../log.ts";
import type { MerchantRegistry } from "./merchant_registry.ts";

/** One thing that has to work. */
export interface Check {
  ok: boolean;
  /** For the merchant, not for strangers. */
  detail: string;
}

/** `ready`: the database is open and intake runs. `degraded`: something that can come back by itself is away. */
export interface Health {
  ready: boolean;
  degraded: boolean;
  checks: Record<string, Check>;
}

/** Looks at what has to work. */
export async function checkHealth(o: {
  database: Database;
  merchants: MerchantRegistry;
  /** The services run. */
  running: boolean;
  /** Rates come from the settings: they don't follow the market. */
  ratesFixed: boolean;
}): Promise<Health> {
  const checks: Record<string, Check> = {
    database: await checkDatabase(o.database),
    intake: { ok: o.running, detail: o.running ? "running" : "not started" },
  };
  const ready = checks.database!.ok && checks.intake!.ok;
  const several = o.merchants.all().length > 1;
  for (const merchant of o.merchants.all()) {
    const of = several ? `:${merchant.pubkey.slice(0, 8)}` : "";
    for (const relay of merchant.relayStatus()) {
      const ok = relay.state === "connected" && relay.caughtUp;
      const state = relay.state === "connected"
        ? (relay.caughtUp ? "connected" : "catching up")
        : relay.state;
      checks[`relay${of} ${relay.url}`] = {
        ok,
        detail: relay.error === null || ok ? state : `${state}: ${relay.error}`,
      };
    }
    checks[`wallet${of}`] = merchant.wallet === null
      ? { ok: false, detail: 'none: orders are answered "can\'t take payments yet"' }
      : {
        ok: merchant.wallet.up !== false,
        detail: [merchant.walletText, merchant.wallet.error].filter((text) => text).join(": "),
      };
  }
  if (o.ratesFixed) {
    checks.rates = { ok: false, detail: "fixed by NCC_RATES: they don't follow the market" };
  }
  return { ready, degraded: Object.values(checks).some((check) => !check.ok), checks };
}

async function checkDatabase(database: Database): Promise<Check> {
  try {
    await sql`select 1`.execute(database.kysely);
    return { ok: true, detail: database.dialect };
  } catch (error) {
    return { ok: false, detail: errorText(error) };
  }
}
