import { alert } from "../alert.ts";
import type { Tx } from "../db/database.ts";
import { readJsonObject } from "../dialects/bounded_json.ts";
import type { Log } from "../log.ts";
import { endHalt } from "../messages/inbox_store.ts";
import type { OwnMessage } from "../nostr/own_message.ts";
import { clear, lastCleared, raise } from "./conditions_store.ts";
import { posted, servedSince, setHalted } from "./halt_store.ts";

const NAME = "second_instance";
const REASON =
  "Another program answers customers with this key. Stop it, or change to a new key, then resume.";
/** What is older when it is first seen belongs to history: another bot that was given up, answers before a backup was restored. */
const FRESH_MS = 10 * 60_000;

/**
 * Judges what a merchant's key said (design §7: "a second instance or a thief"). A fresh checkout answer that this
 * installation never posted halts the merchant and alarms the owners; true when it did. Chat, the catalogue and what is
 * older than 10 minutes, than our own first start with this key, or than the last time somebody resumed, alarm nobody. An
 * answer of our own is stored before it is sent, so it is always known here when a relay brings it back.
 */
export async function judgeOwnMessage(tx: Tx, own: OwnMessage, now: number, log: Log): Promise<boolean> {
  const { merchant, eventId, rumorId } = own;
  if (!isCheckoutAnswer(own)) return false;
  const begun = await servedSince(tx, merchant);
  if (begun === undefined) return false;
  const resumed = await lastCleared(tx, { merchant, name: NAME }) ?? 0;
  // Events know whole seconds: one of the same second may be from before.
  if (own.created_at * 1000 <= Math.max(begun, resumed, now - FRESH_MS)) return false;
  if (await posted(tx, tx.dialect, rumorId === null ? [eventId] : [eventId, rumorId])) return false;
  if (!await setHalted(tx, { merchant, reason: REASON, now })) return false;
  await raise(tx, { merchant, name: NAME, detail: REASON }, now);
  await alert(tx, { merchant, kind: "second_instance", fact: `${NAME}:${now}` }, now);
  log.error("merchant.halted", { merchant, event_id: eventId, why: NAME });
  return true;
}

/** Somebody has decided: what waited is read and answered. False when nothing was halted. */
export async function endSecondInstance(tx: Tx, merchant: string, now: number): Promise<boolean> {
  if (!await setHalted(tx, { merchant, reason: null, now })) return false;
  await clear(tx, { merchant, name: NAME }, now);
  await endHalt(tx, merchant, now);
  return true;
}

/** An invoice or a status: types 1 and 2 of NIP-15, or Gamma's order messages (kind 16, types 2 and 3). */
export function isCheckoutAnswer(
  { kind, tags, content }: Pick<OwnMessage, "kind" | "tags" | "content">,
): boolean {
  if (kind === 16) return tags.some(([name, value]) => name === "type" && (value === "2" || value === "3"));
  if (kind !== 4 && kind !== 14) return false;
  const json = readJsonObject(content);
  if (!json.ok || !Object.hasOwn(json.value, "id")) return false;
  const type = Object.hasOwn(json.value, "type") ? Number(json.value.type) : NaN;
  return type === 1 || type === 2;
}
