import type { Kysely } from "kysely";
import type { Tx } from "../db/database.ts";
import type { Tables } from "../db/tables.ts";
import { publishIdentity } from "./identity_queue.ts";
import type { MerchantInput, Profile } from "./merchant_input.ts";
import * as store from "./merchants_store.ts";
import { notFound, type Refusal } from "./refusal.ts";

/** A merchant as the API shows it. */
export interface MerchantResource {
  pubkey: string;
  name: string;
  profile: Profile;
  state: "active" | "paused";
  pause_message: string | null;
  /** RFC 3339, as all times here. */
  created_at: string;
  updated_at: string;
}

/** Makes sure that a merchant has its row, as at every start. True when it is new; then its identity is published. */
export async function ensureMerchant(
  tx: Tx,
  o: { pubkey: string; name?: string; profile?: Profile; keySource: "settings" | "secrets"; now: number },
): Promise<boolean> {
  const made = await store.insertMerchant(tx, {
    pubkey: o.pubkey,
    name: o.name ?? "",
    profile: JSON.stringify(o.profile ?? {}),
    state: "active",
    key_source: o.keySource,
    created_at: o.now,
    updated_at: o.now,
  });
  if (made) await publishIdentity(tx, o.pubkey, o.now);
  return made;
}

/** Changes a merchant's name or profile and has kind 0 published, if it is ours. */
export async function updateMerchant(
  tx: Tx,
  o: { pubkey: string; input: MerchantInput; now: number },
): Promise<{ ok: true; merchant: MerchantResource } | Refusal> {
  const { name, profile } = o.input;
  return await change(tx, o.pubkey, {
    ...(name !== undefined && { name }),
    ...(profile !== undefined && { profile: JSON.stringify(profile) }),
    updated_at: o.now,
  }, o.now);
}

/** Stops taking orders; `message` is what customers are told. */
export async function pauseMerchant(
  tx: Tx,
  o: { pubkey: string; message: string | null; now: number },
): Promise<{ ok: true; merchant: MerchantResource } | Refusal> {
  return await change(tx, o.pubkey, { state: "paused", pause_message: o.message, updated_at: o.now });
}

/** Takes orders again. */
export async function resumeMerchant(
  tx: Tx,
  o: { pubkey: string; now: number },
): Promise<{ ok: true; merchant: MerchantResource } | Refusal> {
  return await change(tx, o.pubkey, { state: "active", pause_message: null, updated_at: o.now });
}

/** One merchant. */
export async function getMerchant(
  db: Kysely<Tables>,
  pubkey: string,
): Promise<{ ok: true; merchant: MerchantResource } | Refusal> {
  const row = await store.selectMerchant(db, pubkey);
  return row ? { ok: true, merchant: merchantResource(row) } : notFound(`there is no merchant ${pubkey}`);
}

/** All merchants, the oldest first. */
export async function listMerchants(db: Kysely<Tables>): Promise<MerchantResource[]> {
  return (await store.selectMerchants(db)).map(merchantResource);
}

async function change(
  tx: Tx,
  pubkey: string,
  columns: Parameters<typeof store.updateMerchantRow>[2],
  publishNow?: number,
): Promise<{ ok: true; merchant: MerchantResource } | Refusal> {
  if (!await store.updateMerchantRow(tx, pubkey, columns)) return notFound(`there is no merchant ${pubkey}`);
  if (publishNow !== undefined) await publishIdentity(tx, pubkey, publishNow);
  return await getMerchant(tx, pubkey);
}

function merchantResource(row: store.MerchantRow): MerchantResource {
  return {
    pubkey: row.pubkey,
    name: row.name,
    profile: JSON.parse(row.profile),
    state: row.state,
    pause_message: row.pause_message,
    created_at: new Date(row.created_at).toISOString(),
    updated_at: new Date(row.updated_at).toISOString(),
  };
}
