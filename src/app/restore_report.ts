import { formatSat } from "../money/msat.ts";
import type { Database } from "../db/database.ts";
import { forgetSaid } from "../orders/said_before_store.ts";
import {
  type AheadOrder,
  doubtRefunds,
  type Figures,
  figuresSince,
  ordersAhead,
  publishAgain,
  type PublishedDifference,
  publishedDifferences,
  type ToldOrder,
  unknownOrders,
} from "./reconcile_store.ts";
import type { ReadRelay, Reconciliation } from "./reconciliation.ts";
import { FENCED, type RestoreFence } from "./restore_fence.ts";
import { dropRestore } from "./restore_store.ts";

/** What the relays and wallets know that a restored database doesn't. */
export interface RestoreReport {
  state: "none" | "fenced" | "lifted";
  restored_at: number | null;
  backup_at: number | null;
  lifted_at: number | null;
  relays: ReadRelay[];
  /** Orders that customers had an answer to and the database doesn't have. */
  unknown_orders: { count: number; some: ToldOrder[] };
  orders_ahead: AheadOrder[];
  published: PublishedDifference[];
  figures: Figures | null;
  /** The same in sentences, and what to do. */
  words: string[];
}

/** The restore as the API shows it, and its end. */
export interface RestoreDesk {
  /** Nothing may leave. */
  readonly fenced: boolean;
  report(): Promise<RestoreReport>;
  /** Lifts the fence. Not while relays are unread, unless `anyway`. */
  confirm(o: { anyway: boolean }): Promise<{ ok: true } | { ok: false; reason: string }>;
}

/** Makes the desk. `spendWalletOf`: the id of the wallet that a merchant's refunds are paid from. */
export function restoreDesk(o: {
  database: Database;
  now(): number;
  fence: RestoreFence;
  reconciliation: Reconciliation;
  spendWalletOf(merchant: string): string | null;
}): RestoreDesk {
  const { database, fence, reconciliation } = o;
  const report = async (): Promise<RestoreReport> => {
    const { fact } = fence;
    const relays = fence.up ? reconciliation.status() : [];
    const none = { relays, unknown_orders: { count: 0, some: [] }, orders_ahead: [], published: [] };
    if (fact === null) {
      const words = ["No backup was restored. Everything runs."];
      return {
        state: "none",
        restored_at: null,
        backup_at: null,
        lifted_at: null,
        ...none,
        figures: null,
        words,
      };
    }
    const db = database.kysely;
    const found = {
      relays,
      unknown_orders: await unknownOrders(db),
      orders_ahead: await ordersAhead(db),
      published: await publishedDifferences(db),
      figures: await figuresSince(db, fact.restored_at, FENCED),
    };
    const state = fence.up ? "fenced" as const : "lifted" as const;
    return { state, ...fact, ...found, words: wordsOf(state, fact.backup_at, found) };
  };
  return {
    get fenced() {
      return fence.up;
    },
    report,
    async confirm({ anyway }) {
      if (!fence.up) return { ok: false, reason: "There is no fence to lift: no restore waits for you." };
      const unread = reconciliation.status().filter(({ state }) => state !== "read");
      if (unread.length > 0 && !anyway) {
        const names = unread.map(({ relay, note }) =>
          `${relay ?? "the built-in relay"} (${note ?? "not yet read"})`
        );
        return {
          ok: false,
          reason:
            `Not every relay has been read: ${names.join(", ")}. What only they know would be said twice. ` +
            `Wait for them, or confirm with --anyway.`,
        };
      }
      await database.transaction(async (tx) => {
        const now = o.now();
        await doubtRefunds(tx, o.spendWalletOf, now);
        await publishAgain(tx, now);
        await fence.lift(tx, now);
      });
      await fence.look();
      return { ok: true };
    },
  };
}

/** How long what was said before the restore still counts after the fence was lifted. */
export const REMEMBERED_MS = 30 * 24 * 3_600_000;

/** Forgets it after that time; true when it did. */
export async function forgetRestore(
  { database, fence, now }: { database: Database; fence: RestoreFence; now: number },
): Promise<boolean> {
  const lifted = fence.fact?.lifted_at ?? null;
  if (lifted === null || now < lifted + REMEMBERED_MS) return false;
  await database.transaction(async (tx) => {
    await forgetSaid(tx);
    await dropRestore(tx);
  });
  await fence.look();
  return true;
}

function wordsOf(
  state: "fenced" | "lifted",
  backupAt: number,
  found: Pick<RestoreReport, "relays" | "unknown_orders" | "orders_ahead" | "published"> & {
    figures: Figures;
  },
): string[] {
  const { relays, unknown_orders, orders_ahead, published, figures } = found;
  const unread = relays.filter((one) => one.state !== "read").length;
  const many = (n: number, one: string, more: string) => `${n} ${n === 1 ? one : more}`;
  const unknown = published.filter((one) => !one.known).length;
  return [
    `The backup knows what happened until ${
      new Date(backupAt).toISOString().slice(0, 19).replace("T", " ")
    } UTC.`,
    ...(unread > 0
      ? [`${many(unread, "relay hasn't", "relays haven't")} been read yet: what they know is missing here.`]
      : []),
    ...(state === "fenced"
      ? [
        `Nothing is sent, invoiced, refunded, delivered or published. What comes in is collected: ` +
        `${many(figures.messages_waiting, "message waits", "messages wait")}.`,
      ]
      : []),
    `${many(unknown_orders.count, "order was", "orders were")} answered since, by what the relays say, and ` +
    `${
      unknown_orders.count === 1 ? "isn't" : "aren't"
    } in the books. Those that came by relays are in the inbox and ` +
    `are taken again, at the same invoices; those that came by the built-in relay alone are lost, and their money shows as unmatched.`,
    ...(orders_ahead.length > 0
      ? [
        `${
          many(orders_ahead.length, "customer was", "customers were")
        } told "paid" or "shipped" of orders that the books have in ` +
        `another state. Don't send goods twice: mark what has been shipped as shipped, nobody is told again.`,
      ]
      : []),
    `${many(figures.payments, "payment", "payments")} (${
      formatSat(BigInt(figures.received_msat))
    }) found since the restore, ` +
    `${figures.unmatched} of them without an order so far.`,
    ...(published.length > 0
      ? [
        `The relays have newer versions of ${
          many(published.length, "stall or product", "stalls and products")
        }` +
        `${
          unknown > 0
            ? `, ${unknown} of which the books don't know: create them again before you confirm`
            : ""
        }. ` +
        `What the books say is published after the confirmation: look at stock and prices first.`,
      ]
      : []),
    ...(figures.refunds_in_doubt > 0
      ? [
        `${
          many(figures.refunds_in_doubt, "refund", "refunds")
        } may have been paid already: the wallet is asked, nothing is paid blindly.`,
      ]
      : []),
    ...(state === "fenced"
      ? [
        "Everything else is as it was at the backup: revoke again the tokens, and forget again the customers, that were since; " +
        "prices, stock and products that were changed by hand have to be changed again.",
        "When that is in order: ncc restore confirm",
      ]
      : []),
  ];
}
