import type { Generated } from "kysely";
import type { Int, IntOrNull, Text, TextOrNull, Word } from "./columns.ts";

export interface JobsTable {
  id: Generated<number>;
  kind: Text;
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
