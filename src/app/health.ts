import { sql } from "kysely";
import type { Database } from "../db/database.ts";
import type { StorageFaultKind } from "../db/storage_state.ts";
import { errorText } from "../log.ts";
import type { BunkerStatus } from "../nostr/bunker/options.ts";
import type { Strangers } from "../messages/strangers.ts";
import { refundsWaiting } from "../payments/refunds_store.ts";
import type { OnChain } from "../payments/chain/on_chain.ts";
import { checkBtc } from "./btc.ts";
import type { MedusaBridge } from "./medusa.ts";
import type { MerchantRegistry } from "./merchant_registry.ts";
import type { RatesState } from "./shop_rates.ts";
import { checkSpend } from "./spend_check.ts";
import { FIRST_WALLET, type MerchantRelayStatus } from "./served_merchant.ts";

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
  /** How exchange rates are; null where none are needed. */
  rates: RatesState | null;
  /** On-chain payments, where there are any. */
  btc?: OnChain | null;
  /** The first merchant's Medusa, where there is one. */
  medusa?: MedusaBridge | null;
  /** What room is left for people who never ordered. */
  strangers?: Strangers | undefined;
  /** Why nothing may leave after a restore; absent when it may. */
  fenced?: Check | undefined;
}): Promise<Health> {
  const checks: Record<string, Check> = {
    database: await checkDatabase(o.database),
    intake: { ok: o.running, detail: o.running ? "running" : "not started" },
  };
  const ready = checks.database!.ok && checks.intake!.ok && o.fenced === undefined;
  if (o.fenced !== undefined) checks.restore = o.fenced;
  if (o.strangers) checks.strangers = checkStrangers(o.strangers);
  const several = o.merchants.all().length > 1;
  const waiting = checks.database!.ok ? await refundsWaiting(o.database.kysely) : new Map();
  for (const merchant of o.merchants.all()) {
    const of = several ? `:${merchant.pubkey.slice(0, 8)}` : "";
    for (const relay of merchant.relayStatus()) {
      checks[`relay${of} ${relay.url}`] = checkRelay(relay);
    }
    if (merchant.row.halted !== null && merchant.signs) {
      checks[`answers${of}`] = { ok: false, detail: merchant.row.halted };
    }
    const signer = merchant.remote?.status();
    if (signer) checks[`signer${of}`] = checkSigner(signer);
    if (merchant.wallet === null) {
      checks[`wallet${of}`] = { ok: false, detail: 'none: orders are answered "can\'t take payments yet"' };
    }
    for (const { name, wallet } of merchant.receiving) {
      checks[name === FIRST_WALLET ? `wallet${of}` : `wallet${of} ${name}`] = {
        ok: wallet.up !== false,
        detail: [wallet.describe(), wallet.error].filter((text) => text).join(": "),
      };
    }
    const spend = checkSpend(merchant, waiting.get(merchant.pubkey));
    if (spend !== null) checks[`refund wallet${of}`] = spend;
  }
  // Nobody knows yet: the first answers come within seconds.
  if (o.rates !== null) checks.rates = { ok: o.rates.ok !== false, detail: o.rates.detail };
  const btc = checkBtc(o.btc ?? null);
  if (btc !== null) checks.btc = btc;
  if (o.medusa && checks.database!.ok) {
    const { ok, detail } = await o.medusa.look();
    checks.medusa = { ok, detail };
  }
  return { ready, degraded: Object.values(checks).some((check) => !check.ok), checks };
}

/** A relay is all right when it is caught up, hands over what it has and refuses nothing. */
export function checkRelay(relay: MerchantRelayStatus): Check {
  if (relay.deaf !== null) {
    return { ok: false, detail: `deaf since ${new Date(relay.deaf.since).toISOString()}: ${relay.deaf.why}` };
  }
  if (relay.refusing !== null) return { ok: false, detail: `refuses: ${relay.refusing}` };
  if (relay.state !== "connected" || !relay.caughtUp) {
    const state = relay.state === "connected" ? "catching up" : relay.state;
    return { ok: false, detail: relay.error === null ? state : `${state}: ${relay.error}` };
  }
  const notes = [
    relay.hidden > 0 ? `it hides events of ${relay.hidden} crowded seconds` : null,
    relay.unproven !== null ? `can't be probed: ${relay.unproven}` : null,
  ].filter((note) => note !== null);
  return { ok: true, detail: ["connected", ...notes].join("; ") };
}

/** A remote signer is all right while it answers and refuses nothing; unasked it counts as well. */
export function checkSigner({ state, error, authUrl, waiting, lastAnswerAt }: BunkerStatus): Check {
  if (authUrl !== null) return { ok: false, detail: `wants your approval: open ${authUrl}` };
  const last = lastAnswerAt === null
    ? "no answer since the start"
    : `last answer ${new Date(lastAnswerAt).toISOString()}`;
  const notes = [
    ...(error === null ? [] : [error]),
    last,
    ...(waiting > 0 ? [`${waiting} ${waiting === 1 ? "request waits" : "requests wait"}`] : []),
  ];
  return {
    ok: state === "awake" || state === "unknown",
    detail: `remote signer ${state}: ${notes.join("; ")}`,
  };
}

const FAULTS: Record<StorageFaultKind, string> = {
  full: "the disk is full: nothing new is taken in until there is room, payments are still booked",
  read_only: "the database can't be written",
  busy: "another process keeps the database locked",
  away: "the database can't be reached",
  disk: "the disk has failed: the process ends",
  corrupt: "the database is damaged: the process ends",
};

function checkStrangers(strangers: Strangers): Check {
  const { events, left, limits } = strangers.status();
  const kept = `${events} of ${limits.events} messages kept of people who never ordered`;
  const shed = left === 0 ? "" : `, ${left} left at relays since the start`;
  return strangers.full
    ? { ok: false, detail: `full: new customers are turned away until junk is a week old (${kept}${shed})` }
    : { ok: true, detail: `${kept}${shed}` };
}

async function checkDatabase(database: Database): Promise<Check> {
  const { fault } = database.storage;
  if (fault !== null) return { ok: false, detail: `${FAULTS[fault.kind]} (${fault.text})` };
  try {
    await sql`select 1`.execute(database.kysely);
    return { ok: true, detail: database.dialect };
  } catch (error) {
    return { ok: false, detail: errorText(error) };
  }
}
