import type { Clock } from "../clock.ts";
import { backupsWith, removeCopy } from "../db/backups_with.ts";
import type { Database } from "../db/database.ts";
import { wipe } from "../db/wipe.ts";
import type { Settings } from "../settings.ts";
import type { Person } from "./erase_store.ts";
import { arrivalsOf, eraseArrivalsOf, forgetPersonPortion, standsAgainst } from "./forget_store.ts";

const PORTION = 50;
/** Rows of the inbox that are looked through at once. */
const STRETCH = 5_000;

/** What forgetting stands on. */
export interface ForgetParts {
  database: Database;
  clock: Clock;
  settings: Pick<Settings, "NCC_DATA_DIR">;
}

/** What was taken out, and which files still hold the person. */
export interface Forgotten {
  orders: number;
  messages: number;
  /** The log of commits was cut, so that the database's files hold nothing of it any more. */
  wiped: boolean;
  /** Backups that still hold the person's data. */
  backups: string[];
  removedBackups: string[];
}

/** What became of the wish. */
export type Forgetting = { ok: true; forgotten: Forgotten } | { ok: false; reason: string };

/**
 * Takes everything that a merchant's customer ever said or was told out of the database, at once. The orders stay with what
 * the books need. Refused while an order is open, paid and not shipped, or a refund isn't over. May be repeated: what was
 * interrupted goes on. `backups`: those that still hold the person are removed, with everybody else's data in them.
 */
export async function forgetCustomer(
  parts: ForgetParts,
  who: Person,
  o: { backups: boolean },
): Promise<Forgetting> {
  const { database, clock, settings } = parts;
  const forgotten: Forgotten = { orders: 0, messages: 0, wiped: false, backups: [], removedBackups: [] };
  for (let more = true; more;) {
    const portion = await database.transaction(async (tx) => {
      const reason = whyNot(await standsAgainst(tx, who));
      return reason ?? await forgetPersonPortion(tx, { ...who, limit: PORTION, now: clock.now() });
    });
    if (typeof portion === "string") return { ok: false, reason: portion };
    forgotten.orders += portion.orders;
    forgotten.messages += portion.messages;
    more = portion.more;
  }
  for (let after: number | null = 0; after !== null;) {
    const found: { eventIds: string[]; next: number | null } = await arrivalsOf(database, {
      ...who,
      after,
      stretch: STRETCH,
    });
    await database.transaction((tx) => eraseArrivalsOf(tx, who, found.eventIds));
    after = found.next;
  }
  forgotten.wiped = await wipe(database);
  if (database.dialect === "sqlite") {
    const holding = await backupsWith(settings.NCC_DATA_DIR, who);
    if (o.backups) { for (const path of holding) await removeCopy(path); }
    forgotten[o.backups ? "removedBackups" : "backups"] = holding;
  }
  return { ok: true, forgotten };
}

function whyNot(against: Awaited<ReturnType<typeof standsAgainst>>): string | null {
  const [first] = against;
  if (first === undefined) return null;
  const order = first.orderId === null ? "" : ` ${first.orderId}`;
  const others = against.length > 1 ? ` (and ${against.length - 1} more)` : "";
  switch (first.why) {
    case "open":
      return `The order${order} is open${others}: cancel it, or wait until it expires.`;
    case "unshipped":
      return `The order${order} is paid and not shipped${others}: ship it, or cancel it and refund.`;
    case "refund":
      return first.orderId === null
        ? `A refund of this customer isn't over${others}: end it first (ncc refund list).`
        : `The order${order} has a refund that isn't over${others}: end it first (ncc refund list).`;
  }
}
