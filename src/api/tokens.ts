import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { base64urlnopad } from "@scure/base";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import type { Random } from "../random.ts";
import { Access } from "./access.ts";
import { isScope } from "./scopes.ts";
import { findToken, markUsed } from "./tokens_store.ts";

const SECRET_BYTES = 32;
const ID_BYTES = 9;
const FORM = /^ncc_([A-Za-z0-9-]{12})_([A-Za-z0-9_-]{43})$/;
/** Each use would be a write. */
const USED_EVERY_MS = 60_000;

/** A new token: what its holder keeps, and what we keep of it. */
export function makeToken(random: Random): { id: string; token: string; hash: string } {
  // The id ends at the second `_`, so it has none itself.
  const id = base64urlnopad.encode(random.bytes(ID_BYTES)).replaceAll("_", "-");
  const secret = base64urlnopad.encode(random.bytes(SECRET_BYTES));
  return { id, token: `ncc_${id}_${secret}`, hash: hashOf(secret).toString("hex") };
}

/** What a token opens; null for one that opens nothing: wrong, revoked or over, which nobody is told apart. */
export async function accessOf(
  { database, clock }: { database: Database; clock: Clock },
  text: string,
): Promise<Access | null> {
  const [, id, secret] = FORM.exec(text) ?? [];
  if (id === undefined || secret === undefined) return null;
  const row = await findToken(database.kysely, id);
  // Without a row the comparison is made all the same: its time doesn't say which ids there are.
  const same = timingSafeEqual(hashOf(secret), row ? Buffer.from(row.hash, "hex") : hashOf(""));
  const now = clock.now();
  if (!row || !same || row.revoked_at !== null || (row.expires_at !== null && row.expires_at <= now)) {
    return null;
  }
  if (row.last_used_at === null || row.last_used_at <= now - USED_EVERY_MS) {
    await database.transaction((tx) => markUsed(tx, id, now, now - USED_EVERY_MS));
  }
  const scopes = (JSON.parse(row.scopes) as unknown[]).filter(isScope);
  const till = row.till === null ? null : { till: row.till, token: id };
  return new Access(database, `token:${id}`, new Set(scopes), row.merchant, till);
}

/** Whether both are the same, in a time that tells nothing. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(hashOf(a), hashOf(b));
}

function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
