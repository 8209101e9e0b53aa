import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import type { Mirror } from "../db/tables.ts";
import type { JobHandlers } from "../jobs/handler.ts";
import { hurryJobs } from "../jobs/hurry_store.ts";
import type { Log } from "../log.ts";
import { ordersWaiting, reportOf } from "../medusa/report_store.ts";
import { askOf } from "../medusa/catalogue/ask.ts";
import type { Choice } from "../medusa/catalogue/choice.ts";
import { productJob, takeHint } from "../medusa/catalogue/hints.ts";
import { type CatalogueDeps, sweepJob } from "../medusa/catalogue/sweep.ts";
import { PRODUCT_JOB, SWEEP_JOB, sweepLater } from "../medusa/catalogue/sweep_queue.ts";
import { type MedusaAccess, MedusaClient } from "../medusa/client.ts";
import { KeptStalls } from "../medusa/kept_stalls.ts";
import { mirrorJobs } from "../medusa/orders/mirror_jobs.ts";
import { orderHint, orderSweep, sweepOrders } from "../medusa/orders/orders_sweep.ts";
import { TheirOrders } from "../medusa/orders/their_orders.ts";
import { MedusaPulse } from "../medusa/pulse.ts";
import { type MedusaState, medusaStates, medusaUp, summaryOf } from "../medusa/state.ts";
import { isBitcoinUnit } from "../money/currency.ts";
import type { RateSource } from "../money/rates.ts";
import type { Random } from "../random.ts";
import { MIRROR_JOB } from "../orders/mirror.ts";
import type { Service } from "../service.ts";
import type { Settings } from "../settings.ts";
import { firstMerchant } from "./btc.ts";
import type { Check } from "./health.ts";
import { MedusaHook } from "./medusa_hook.ts";
import type { MerchantRegistry } from "./merchant_registry.ts";

export interface MedusaParts {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  settings: Settings;
  merchants: MerchantRegistry;
  rates: RateSource;
}

/** What of Medusa is sold. */
export function choiceOf({ NCC_MEDUSA_CHANNEL, NCC_MEDUSA_CURRENCY }: Settings): Choice {
  return { channel: NCC_MEDUSA_CHANNEL ?? null, currency: NCC_MEDUSA_CURRENCY ?? null };
}

/** How Medusa is: what is to be said of it, whether it can be sold through it (null: nobody knows yet), and all of it in a line. */
export interface MedusaLook extends Check {
  up: boolean | null;
  states: MedusaState[];
}

/** The first merchant's Medusa. */
export interface MedusaBridge {
  readonly client: MedusaClient;
  readonly services: Service[];
  readonly handlers: JobHandlers;
  /** What our plugin in it calls; null where no secret for that is set. */
  readonly hook: MedusaHook | null;
  /** Whose it is; null: nobody's, now. */
  merchant(): string | null;
  /** How it takes part in the orders of one of that merchant's stalls; null: it doesn't. */
  mirrorOf(stallId: string): Mirror | null;
  look(): Promise<MedusaLook>;
  /** What is to be said of it. */
  state(): Promise<MedusaState[]>;
}

/** Where Medusa is, and as whom it is asked; null where the settings name none. */
export function medusaAccess(settings: Settings): MedusaAccess | null {
  const { NCC_MEDUSA_URL: url, NCC_MEDUSA_EMAIL: email, NCC_MEDUSA_PASSWORD: password, NCC_MEDUSA_KEY: key } =
    settings;
  return url === undefined ? null : { url, email, password, key };
}

/** The Medusa that the settings name; null where they name none. */
export function medusaOf({ settings, merchants, rates, ...base }: MedusaParts): MedusaBridge | null {
  const access = medusaAccess(settings);
  if (access === null) return null;
  const { NCC_MEDUSA_WEBHOOK_SECRET: secret } = settings;
  const { database, clock } = base;
  const client = MedusaClient.create(access, base);
  const theirs = new TheirOrders(client);
  const merchant = () => firstMerchant(merchants);
  const stalls = new KeptStalls({ ...base, merchant });
  const onBack = () => database.transaction((tx) => hurryJobs(tx, { kind: MIRROR_JOB, now: clock.now() }));
  const catalogue: CatalogueDeps = {
    ...base,
    ask: askOf(client),
    choice: choiceOf(settings),
    everyMs: settings.NCC_MEDUSA_SWEEP,
    merchant,
    onStall: () => stalls.look(),
  };
  const look = async (): Promise<MedusaLook> => {
    const whose = merchant();
    const { report, sweptAt } = whose === null
      ? { report: {}, sweptAt: null }
      : await reportOf(database.kysely, whose);
    const status = client.status();
    const states = medusaStates({
      client: status,
      report,
      ordersWaiting: whose === null ? 0 : await ordersWaiting(database.kysely, whose),
      unquoted: report.currency && !quotable(report.currency, rates) ? report.currency : null,
    });
    const known = [
      new URL(access.url).host,
      ...(status.goodAt === null && states.length === 0 ? ["not asked yet"] : []),
      ...(sweptAt === null ? [] : [`${report.products ?? 0} products (${new Date(sweptAt).toISOString()})`]),
    ];
    return { up: medusaUp(status, states), states, ...summaryOf(states, known.join(": ")) };
  };
  return {
    client,
    services: [
      { start: () => beginSweeps(merchant(), database, clock), stop: () => Promise.resolve(client.close()) },
      stalls,
      new MedusaPulse({ ...base, client, onBack }),
    ],
    handlers: {
      ...mirrorJobs({
        ...base,
        theirs,
        authority: settings.NCC_MEDUSA_STOCK,
        whenDown: settings.NCC_MEDUSA_DOWN,
      }),
      ...orderSweep({ ...base, theirs }),
      [SWEEP_JOB]: sweepJob(catalogue),
      [PRODUCT_JOB]: productJob(catalogue),
    },
    hook: secret === undefined
      ? null
      : new MedusaHook({ ...base, secret, merchant, productHint: takeHint, orderHint }),
    merchant,
    mirrorOf: (stallId) =>
      stalls.has(stallId) ? (settings.NCC_MEDUSA_STOCK === "local" ? "follow" : "confirm") : null,
    look,
    state: async () => (await look()).states,
  };
}

/** Whether prices in it can be asked for in sats, now or in a while. */
function quotable(currency: string, rates: RateSource): boolean {
  return isBitcoinUnit(currency) || rates.rate(currency) !== null || rates.mayCome(currency);
}

/** What changed while nobody listened. Each sweep has the next one done. */
async function beginSweeps(merchant: string | null, database: Database, clock: Clock): Promise<void> {
  if (merchant === null) return;
  const now = clock.now();
  await database.transaction(async (tx) => {
    await sweepOrders(tx, merchant, now, now);
    await sweepLater(tx, merchant, now, now);
  });
}
