import type { Kysely, Selectable } from "kysely";
import type { Tx } from "../../db/database.ts";
import type { ChainAccountsTable, ChainAddressesTable, Tables } from "../../db/tables.ts";
import type { Network } from "../wallet.ts";
import type { DerivedAddress } from "./account.ts";
import type { KnownOutput } from "./chain_rules.ts";

export type ChainAccountRow = Selectable<ChainAccountsTable>;
export type ChainAddressRow = Selectable<ChainAddressesTable>;

const ROWS_AT_ONCE = 500;

export async function findAccount(db: Kysely<Tables>, id: string): Promise<ChainAccountRow | undefined> {
  return await db.selectFrom("chain_accounts").selectAll().where("id", "=", id).executeTakeFirst();
}

/**
 * Notes that the chain was searched, and from which index on nothing is used by others. What was given out stays given out: the
 * next index never goes back.
 */
export async function openAccount(
  tx: Tx,
  o: { id: string; merchant: string; network: Network; firstIndex: number; now: number },
): Promise<void> {
  const { id, merchant, network, firstIndex, now } = o;
  await tx.insertInto("chain_accounts").values({
    id,
    merchant,
    network,
    first_index: firstIndex,
    next_index: firstIndex,
    looked_at: now,
  }).onConflict((c) => c.column("id").doUpdateSet({ merchant, looked_at: now })).execute();
  await tx.updateTable("chain_accounts").set({ first_index: firstIndex, next_index: firstIndex })
    .where("id", "=", id).where("next_index", "<", firstIndex).execute();
}

/** The account, locked until the transaction ends. */
export async function lockAccount(tx: Tx, id: string): Promise<ChainAccountRow | undefined> {
  return await tx.selectFrom("chain_accounts").selectAll().where("id", "=", id)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate()).executeTakeFirst();
}

/** How many of its last addresses in a row nobody has paid to. */
export async function unusedInARow(
  db: Kysely<Tables>,
  account: Pick<ChainAccountRow, "id" | "first_index" | "next_index">,
): Promise<number> {
  const row = await db.selectFrom("chain_addresses").select((e) => e.fn.max("address_index").as("last"))
    .where("account", "=", account.id).where("used", "=", 1).executeTakeFirst();
  const last = row?.last ?? null;
  const begin = Math.max(account.first_index, last === null ? 0 : Number(last) + 1);
  return account.next_index - begin;
}

/** Gives the account's next index to an order, for ever. The account is locked. */
export async function giveAddress(
  tx: Tx,
  account: ChainAccountRow,
  o: { derived: DerivedAddress; orderId: string; now: number },
): Promise<void> {
  const { id, merchant, network, next_index: index } = account;
  await tx.updateTable("chain_accounts").set({ next_index: index + 1 }).where("id", "=", id).execute();
  await tx.insertInto("chain_addresses").values({
    address: o.derived.address,
    script_hash: o.derived.scriptHash,
    network,
    account: id,
    address_index: index,
    merchant,
    order_id: o.orderId,
    next_lookup_at: o.now,
    created_at: o.now,
  }).execute();
}

/** Addresses that may have been given out to orders which aren't in the books: they are watched like the others. */
export async function keepSkipped(
  tx: Tx,
  o: {
    account: string;
    merchant: string;
    network: Network;
    skipped: readonly (DerivedAddress & { index: number })[];
    now: number;
  },
): Promise<void> {
  const { account, merchant, network, skipped, now } = o;
  for (let i = 0; i < skipped.length; i += ROWS_AT_ONCE) {
    await tx.insertInto("chain_addresses").values(
      skipped.slice(i, i + ROWS_AT_ONCE).map(({ index, address, scriptHash }) => ({
        address,
        script_hash: scriptHash,
        network,
        account,
        address_index: index,
        merchant,
        order_id: null,
        next_lookup_at: now,
        created_at: now,
      })),
    ).onConflict((c) => c.doNothing()).execute();
  }
}

export async function addressOf(
  db: Kysely<Tables>,
  o: { orderId: string; account: string },
): Promise<ChainAddressRow | undefined> {
  return await db.selectFrom("chain_addresses").selectAll().where("order_id", "=", o.orderId)
    .where("account", "=", o.account).executeTakeFirst();
}

/** The address, locked until the transaction ends. Its order is locked before it, always. */
export async function lockAddress(tx: Tx, address: string): Promise<ChainAddressRow | undefined> {
  return await tx.selectFrom("chain_addresses").selectAll().where("address", "=", address)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate()).executeTakeFirst();
}

export async function updateAddress(
  tx: Tx,
  address: string,
  change: Partial<Pick<ChainAddressRow, "used" | "told_at" | "next_lookup_at">>,
): Promise<void> {
  await tx.updateTable("chain_addresses").set(change).where("address", "=", address).execute();
}

/** Whether any address is due: asked every second, so it takes no lock. */
export async function anyDue(db: Kysely<Tables>, o: { network: Network; now: number }): Promise<boolean> {
  const row = await db.selectFrom("chain_addresses").select("address").where("network", "=", o.network)
    .where("next_lookup_at", "<=", o.now).limit(1).executeTakeFirst();
  return row !== undefined;
}

/**
 * Takes up to `limit` addresses that are due, the newest first, and puts them off until `until`, so that no other process takes
 * them at the same time.
 */
export async function claimDue(
  tx: Tx,
  o: { network: Network; now: number; limit: number; until: number },
): Promise<ChainAddressRow[]> {
  const due = await tx.selectFrom("chain_addresses").selectAll().where("network", "=", o.network)
    .where("next_lookup_at", "<=", o.now).orderBy("created_at", "desc").limit(o.limit)
    .$if(tx.dialect === "postgres", (q) => q.forUpdate().skipLocked()).execute();
  if (due.length > 0) {
    await tx.updateTable("chain_addresses").set({ next_lookup_at: o.until })
      .where("address", "in", due.map(({ address }) => address)).execute();
  }
  return due;
}

/** There is news of these scripts. */
export async function makeDue(tx: Tx, scriptHashes: readonly string[], now: number): Promise<void> {
  if (scriptHashes.length === 0) return;
  await tx.updateTable("chain_addresses").set({ next_lookup_at: now })
    .where("script_hash", "in", [...scriptHashes]).execute();
}

/** There is another block: what waits for one is looked at now, and so is what was booked lately and may be lost with it. */
export async function makeWaitingDue(
  tx: Tx,
  o: { network: Network; below: number; now: number },
): Promise<void> {
  await tx.updateTable("chain_addresses").set({ next_lookup_at: o.now }).where("network", "=", o.network)
    .where(
      "address",
      "in",
      tx.selectFrom("chain_outputs").select("address").where((e) =>
        e.or([
          e("state", "in", ["seen", "lost"]),
          e.and([e("state", "=", "booked"), e("height", ">", o.below)]),
        ])
      ),
    ).execute();
}

/** Everything young is looked up at once: after a start, or when news may have been missed. */
export async function makeYoungDue(
  tx: Tx,
  o: { network: Network; since: number; now: number },
): Promise<void> {
  await tx.updateTable("chain_addresses").set({ next_lookup_at: o.now }).where("network", "=", o.network)
    .where("created_at", ">=", o.since).execute();
}

export async function outputsOf(db: Kysely<Tables>, address: string): Promise<KnownOutput[]> {
  const rows = await db.selectFrom("chain_outputs").selectAll().where("address", "=", address).execute();
  return rows.map(({ txid, vout, amount_sat, height, state }) => ({
    txid,
    vout,
    amountSat: BigInt(amount_sat),
    height,
    state,
  }));
}

export async function putOutput(tx: Tx, address: string, output: KnownOutput, now: number): Promise<void> {
  const { txid, vout, amountSat, height, state } = output;
  await tx.insertInto("chain_outputs").values({
    txid,
    vout,
    address,
    amount_sat: amountSat,
    height,
    state,
    first_seen_at: now,
    updated_at: now,
  }).onConflict((c) => c.columns(["txid", "vout"]).doUpdateSet({ height, state, updated_at: now })).execute();
}

/** When an output was first seen, ms since 1970. Throws for one that never was. */
export async function firstSeenAt(
  db: Kysely<Tables>,
  { txid, vout }: Pick<KnownOutput, "txid" | "vout">,
): Promise<number> {
  const row = await db.selectFrom("chain_outputs").select("first_seen_at").where("txid", "=", txid)
    .where("vout", "=", vout).executeTakeFirstOrThrow();
  return row.first_seen_at;
}

/** What waits for its confirmations of an order whose first payment was seen since a time, sat. */
export async function seenSat(
  db: Kysely<Tables>,
  o: { orderId: string; since: number },
): Promise<bigint> {
  const rows = await db.selectFrom("chain_outputs")
    .innerJoin("chain_addresses", "chain_addresses.address", "chain_outputs.address")
    .select("chain_outputs.amount_sat").where("chain_addresses.order_id", "=", o.orderId)
    .where("chain_outputs.state", "=", "seen").where("chain_addresses.told_at", ">=", o.since).execute();
  return rows.reduce((sum, row) => sum + BigInt(row.amount_sat), 0n);
}
