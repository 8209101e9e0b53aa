import type { Generated } from "kysely";
import type { FlagOff, Int, IntOrNull, Text, TextOrNull, Word } from "./columns.ts";

export interface JobsTable {
  id: Generated<number>;
  kind: Text;
  /** Whose work it is. */
  merchant: Generated<string>;
  /** Unique among the waiting jobs of this kind. */
  key: TextOrNull;
  /** JSON; ids only, never customers' data. */
  payload: Text;
  state: Word<"ready" | "running" | "dead">;
  run_at: Int;
  attempts: Int;
  max_attempts: Int;
  lease_until: IntOrNull;
  lease_by: TextOrNull;
  last_error: TextOrNull;
  created_at: Int;
}

export interface LeasesTable {
  name: Text;
  holder: Text;
  until: Int;
  epoch: Int;
}

/** Things that may be used once: NIP-98 events, webhook ids. */
export interface ReplaysTable {
  scope: Text;
  id: Text;
  expires_at: Int;
}

export interface IdempotencyTable {
  actor: Text;
  method: Text;
  path: Text;
  key: Text;
  body_hash: Text;
  state: Word<"running" | "done" | "secret">;
  status: IntOrNull;
  body: TextOrNull;
  created_at: Int;
}

export interface AuditTable {
  seq: Generated<number>;
  at: Int;
  actor: Text;
  method: Text;
  path: Text;
  status: Int;
  request_id: Text;
}

/** What the merchant's owners are told, each fact once. No customer's data: they look the order up. */
export interface NoticesTable {
  seq: Generated<number>;
  merchant: Text;
  kind: Text;
  /** Names the fact, unique for the merchant. */
  fact: Text;
  order_id: TextOrNull;
  text: Text;
  /** `told` by direct message; `off` not, as the settings say; `folded` waits for a summary; `summed` stands in one. */
  state: Word<"told" | "off" | "folded" | "summed">;
  at: Int;
}

/** Something that is out of order for a while: a wallet or relay that is down, a second instance, a clock that jumped. */
export interface ConditionsTable {
  merchant: Text;
  /** `wallet`, `relay <url>`, `second_instance`, … */
  name: Text;
  raised_at: Int;
  /** Null while it lasts. */
  cleared_at: IntOrNull;
  /** A sentence for the merchant. */
  detail: Text;
}

/** Who may use the API beside the operator. Only a hash of the secret is kept. */
export interface TokensTable {
  id: Text;
  /** Null: all merchants. */
  merchant: TextOrNull;
  name: Text;
  /** JSON: string[] */
  scopes: Text;
  hash: Text;
  created_at: Int;
  last_used_at: IntOrNull;
  expires_at: IntOrNull;
  revoked_at: IntOrNull;
  /** Whose invoices it makes and reads: its own, or those of the token that it takes the place of. Null: it makes none. */
  till: TextOrNull;
  /** The most that one invoice may come to; null: as the shop's orders. */
  max_msat: IntOrNull;
  /** How many unpaid invoices its till may have; null: any number. */
  max_open: IntOrNull;
  /** Who is called when the state of an invoice changes. */
  notify_url: TextOrNull;
  /** 1: the operator has named that URL, which may be of our own network. */
  notify_inside: FlagOff;
}

/** A currency that a till has asked for lately, so that there is a rate when it asks again. */
export interface TillCurrenciesTable {
  merchant: Text;
  currency: Text;
  used_at: Int;
}

/** Facts about this installation that must outlive a restart, by name. */
export interface SettingsTable {
  name: Text;
  value: Text;
  updated_at: Int;
}
