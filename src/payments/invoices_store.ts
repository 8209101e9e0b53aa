import type { ExpressionBuilder, Kysely, Selectable } from "kysely";
import type { Tx } from "../db/database.ts";
import type { InvoicesTable, InvoiceState, Tables } from "../db/tables.ts";
import type { Msat } from "../money/msat.ts";
import type { PaymentLink } from "./wallet.ts";

export type InvoiceRow = Selectable<InvoicesTable>;

/** What is known of an invoice once the wallet has answered. */
export interface Issued {
  bolt11: string;
  paymentHash: string;
  expiresAt: number;
  nextLookUpAt: number | null;
  /** The wallet's own name for it. */
  ref?: string | null;
  links?: PaymentLink[];
  /** Its money waits with the wallet until we take it or give it back. */
  hold?: boolean;
}

/** Further ways to pay it, besides its BOLT11. */
export function linksOf({ links }: Pick<InvoiceRow, "links">): PaymentLink[] {
  return links === null ? [] : JSON.parse(links) as PaymentLink[];
}

/** The order's attempts, oldest first. */
export async function invoicesOf(db: Kysely<Tables>, orderId: string): Promise<InvoiceRow[]> {
  return await db.selectFrom("invoices").selectAll().where("order_id", "=", orderId).orderBy("attempt")
    .execute();
}

/** The attempts of several orders, by order and age. */
export async function invoicesOfOrders(db: Kysely<Tables>, orderIds: string[]): Promise<InvoiceRow[]> {
  if (orderIds.length === 0) return [];
  return await db.selectFrom("invoices").selectAll().where("order_id", "in", orderIds)
    .orderBy("order_id").orderBy("attempt").execute();
}

/** The invoice that the customer is asked to pay, if there is one. */
export async function openInvoiceOf(db: Kysely<Tables>, orderId: string): Promise<InvoiceRow | undefined> {
  return await db.selectFrom("invoices").selectAll().where("order_id", "=", orderId).where(
    "state",
    "=",
    "open",
  )
    .executeTakeFirst();
}

export async function findInvoice(db: Kysely<Tables>, id: string): Promise<InvoiceRow | undefined> {
  return await db.selectFrom("invoices").selectAll().where("id", "=", id).executeTakeFirst();
}

export async function findInvoiceByHash(
  db: Kysely<Tables>,
  paymentHash: string,
): Promise<InvoiceRow | undefined> {
  return await db.selectFrom("invoices").selectAll().where("payment_hash", "=", paymentHash)
    .executeTakeFirst();
}

/** The invoice that a wallet of the merchant calls by this name of its own. */
export async function findInvoiceByRef(
  db: Kysely<Tables>,
  o: { merchant: string; wallet: string; ref: string },
): Promise<InvoiceRow | undefined> {
  return await db.selectFrom("invoices").selectAll().where("merchant", "=", o.merchant)
    .where("wallet_ref", "=", o.ref).where("wallet", "=", o.wallet)
    .orderBy("created_at", "desc").limit(1).executeTakeFirst();
}

/** The invoice, locked until the transaction ends. Its order is locked before it, always. */
export async function lockInvoice(tx: Tx, id: string): Promise<InvoiceRow | undefined> {
  return await tx.selectFrom("invoices").selectAll().where("id", "=", id)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate()).executeTakeFirst();
}

/**
 * Notes an attempt before the wallet is asked. The order is locked, so that the numbers count up. `earlier`: all attempts of
 * the order, where they have been read under that lock.
 */
export async function insertAttempt(
  tx: Tx,
  o: {
    id: string;
    merchant: string;
    orderId: string;
    wallet: string;
    amountMsat: Msat;
    now: number;
  },
  earlier?: readonly InvoiceRow[],
): Promise<InvoiceRow> {
  const last = (earlier ?? await invoicesOf(tx, o.orderId)).at(-1);
  return await tx.insertInto("invoices").values({
    id: o.id,
    merchant: o.merchant,
    order_id: o.orderId,
    attempt: (last?.attempt ?? 0) + 1,
    type: "ln",
    wallet: o.wallet,
    state: "creating",
    amount_msat: o.amountMsat,
    created_at: o.now,
    updated_at: o.now,
  }).returningAll().executeTakeFirstOrThrow();
}

/** Turns an attempt that is being made into the order's open invoice; false when it was given up meanwhile. */
export async function openAttempt(tx: Tx, id: string, issued: Issued, now: number): Promise<boolean> {
  const result = await tx.updateTable("invoices").set({ ...columns(issued), state: "open", updated_at: now })
    .where("id", "=", id).where("state", "=", "creating").executeTakeFirst();
  return Number(result.numUpdatedRows) === 1;
}

/** Keeps an invoice that no customer gets to see, so that it is watched all the same. */
export async function keepVoid(tx: Tx, id: string, issued: Issued, now: number): Promise<void> {
  await tx.updateTable("invoices").set({ ...columns(issued), state: "void", updated_at: now })
    .where("id", "=", id).where("state", "in", ["creating", "void", "failed"]).where(
      "payment_hash",
      "is",
      null,
    ).execute();
}

/** Ends an attempt that brought no invoice. */
export async function endAttempt(tx: Tx, id: string, state: "void" | "failed", now: number): Promise<void> {
  await tx.updateTable("invoices").set({ state, updated_at: now })
    .where("id", "=", id).where("state", "=", "creating").execute();
}

/**
 * The life cycle's `voidInvoice`: what is open or being made is no longer offered. It stays watched, because whoever has
 * the invoice can pay it.
 */
export async function voidInvoices(tx: Tx, orderId: string, now: number): Promise<void> {
  await tx.updateTable("invoices").set({ state: "void", updated_at: now })
    .where("order_id", "=", orderId).where("state", "in", ["open", "creating"]).execute();
}

export async function setInvoiceState(
  tx: Tx,
  id: string,
  change: { state: InvoiceState; nextLookUpAt: number | null },
  now: number,
): Promise<void> {
  await tx.updateTable("invoices").set({
    state: change.state,
    next_lookup_at: change.nextLookUpAt,
    updated_at: now,
  })
    .where("id", "=", id).execute();
}

export async function setNextLookUp(tx: Tx, id: string, at: number | null): Promise<void> {
  await tx.updateTable("invoices").set({ next_lookup_at: at }).where("id", "=", id).where(
    "state",
    "!=",
    "paid",
  ).execute();
}

/** Whose invoices are meant: of one wallet, or of all that aren't among these. */
export type OfWallet = { merchant: string; wallet: string } | { merchant: string; notOf: readonly string[] };

/** Merchants and wallets that have invoices to be looked up now. */
export async function walletsWithDue(
  db: Kysely<Tables>,
  now: number,
): Promise<{ merchant: string; wallet: string }[]> {
  return await db.selectFrom("invoices").select(["merchant", "wallet"]).distinct()
    .where("next_lookup_at", "is not", null).where("next_lookup_at", "<=", now).execute();
}

/** How many are due, counted up to `most`. */
export async function countDue(
  db: Kysely<Tables>,
  of: OfWallet,
  now: number,
  most: number,
): Promise<number> {
  const rows = await db.selectFrom("invoices").select("id").where(belongsTo(of))
    .where("next_lookup_at", "is not", null).where("next_lookup_at", "<=", now).limit(most).execute();
  return rows.length;
}

/** These invoices, with what their look-ups are planned by. */
export async function toLookUp(
  db: Kysely<Tables>,
  ids: string[],
): Promise<
  (Pick<InvoiceRow, "id" | "payment_hash" | "wallet_ref" | "hold" | "created_at" | "expires_at"> & {
    order_expires_at: number | null;
  })[]
> {
  if (ids.length === 0) return [];
  return await db.selectFrom("invoices").leftJoin("orders", "orders.id", "invoices.order_id").select([
    "invoices.id",
    "invoices.payment_hash",
    "invoices.wallet_ref",
    "invoices.hold",
    "invoices.created_at",
    "invoices.expires_at",
    "orders.expires_at as order_expires_at",
  ]).where("invoices.id", "in", ids).execute();
}

/** Notes of several invoices when the wallet is asked next. */
export async function putOff(tx: Tx, invoices: { id: string; at: number | null }[]): Promise<void> {
  for (const [at, some] of Map.groupBy(invoices, (invoice) => invoice.at)) {
    await tx.updateTable("invoices").set({ next_lookup_at: at })
      .where("id", "in", some.map((invoice) => invoice.id)).where("state", "!=", "paid").execute();
  }
}

/**
 * Takes up to `limit` invoices that are due and puts them off until `until`, so that no other process takes them at the same
 * time. `newest`: those due last (new ones are due often); `longest due`: those that have waited most.
 */
export async function claimDue(
  tx: Tx,
  of: OfWallet,
  o: { now: number; limit: number; until: number; first: "newest" | "longest due" },
): Promise<string[]> {
  const order = o.first === "newest" ? "desc" : "asc";
  const due = await tx.selectFrom("invoices").select("id").where(belongsTo(of))
    .where("next_lookup_at", "is not", null).where("next_lookup_at", "<=", o.now)
    .orderBy("next_lookup_at", order).orderBy("created_at", order).limit(o.limit)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate().skipLocked()).execute();
  const ids = due.map((row) => row.id);
  if (ids.length > 0) {
    await tx.updateTable("invoices").set({ next_lookup_at: o.until }).where("id", "in", ids).execute();
  }
  return ids;
}

/**
 * Makes every open invoice of a wallet due now: after a start, or when hints may have been missed. What is due already stays due
 * for as long as it has been.
 */
export async function makeOpenDue(tx: Tx, of: OfWallet, now: number): Promise<void> {
  await tx.updateTable("invoices").set({ next_lookup_at: now })
    .where(belongsTo(of)).where("state", "=", "open").where("next_lookup_at", ">", now).execute();
}

/** The same for all merchants: what a process that is gone was about to ask. */
export async function makeAllOpenDue(tx: Tx, now: number): Promise<void> {
  await tx.updateTable("invoices").set({ next_lookup_at: now }).where("state", "=", "open").execute();
}

function belongsTo(of: OfWallet) {
  return (eb: ExpressionBuilder<Tables, "invoices">) =>
    eb.and([
      eb("merchant", "=", of.merchant),
      ...("wallet" in of
        ? [eb("wallet", "=", of.wallet)]
        : of.notOf.length > 0
        ? [eb("wallet", "not in", of.notOf)]
        : []),
    ]);
}

function columns(issued: Issued) {
  return {
    bolt11: issued.bolt11,
    payment_hash: issued.paymentHash,
    wallet_ref: issued.ref ?? null,
    links: issued.links && issued.links.length > 0 ? JSON.stringify(issued.links) : null,
    hold: issued.hold ? 1 : 0,
    expires_at: issued.expiresAt,
    next_lookup_at: issued.nextLookUpAt,
  };
}
