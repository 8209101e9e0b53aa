import { alert } from "../alert.ts";
import { copyCatalogue, forgetCatalogue, handOverRest, withdrawCatalogue } from "../catalog/moving.ts";
import { publishIdentity } from "../catalog/identity_queue.ts";
import { type MerchantRow, updateMerchantRow } from "../catalog/merchants_store.ts";
import type { Database, Tx } from "../db/database.ts";
import { npub } from "../nostr/keys.ts";
import { countUnfinished, keysToRetire, movedMerchants } from "./key_change_store.ts";
import { removeSecret } from "./secrets_store.ts";

/** How long a former key goes on saying where its shop is; longer, if an order of its isn't at its end by then. */
const OVERLAP_MS = 30 * 86_400_000;

/** What a shop's move to another key came to. */
export interface Moved {
  stalls: number;
  products: number;
  /** Orders of the old key that aren't at their end: unpaid ones, and paid ones that weren't sent. */
  unpaid: number;
  unsent: number;
}

/**
 * Moves a shop to another key, whose merchant has its row already. The new key offers the same; the old one takes no orders,
 * says where the shop is now, withdraws what it offered and goes on answering for the orders it took. In an emergency (the
 * key is stolen or lost) nothing is signed or answered with it any more.
 */
export async function moveShop(
  tx: Tx,
  o: { from: MerchantRow; to: string; emergency: boolean; now: number },
): Promise<Moved> {
  const { from, to, emergency, now } = o;
  const copied = await copyCatalogue(tx, { from: from.pubkey, to, now });
  if (emergency) await forgetCatalogue(tx, from.pubkey, now);
  else await withdrawCatalogue(tx, from.pubkey, now);
  const place = `nostr:${npub(to)}`;
  const profile = { ...JSON.parse(from.profile), about: `This shop has moved to ${place}` };
  await updateMerchantRow(tx, from.pubkey, {
    moved_to: to,
    moved_at: now,
    state: "paused",
    pause_message: `This shop has moved to ${place}. Please order there.`,
    profile: JSON.stringify(profile),
    key_source: emergency ? "none" : "secrets",
    ...(emergency && { halted: `its key was given up; the shop goes on as ${npub(to)}` }),
    updated_at: now,
  });
  if (!emergency) await publishIdentity(tx, from.pubkey, now);
  return { ...copied, ...await countUnfinished(tx, from.pubkey) };
}

/** Hands over what became free of shops that moved: their orders of the old key end in their time. */
export async function handOverMoved(database: Database, now: number): Promise<void> {
  for (const move of await movedMerchants(database.kysely)) {
    await database.transaction((tx) => handOverRest(tx, { ...move, now }));
  }
}

/**
 * Retires former keys: 30 days after the move, as soon as no order of theirs is open and no refund due. From then on they sign
 * and open nothing here, ncc's own copy of the key is gone, and the owners hear of it from the new key; what is paid to an old
 * invoice is still booked.
 */
export async function retireMoved(database: Database, now: number): Promise<void> {
  for (const { from, to } of await keysToRetire(database.kysely, now - OVERLAP_MS)) {
    await database.transaction(async (tx) => {
      await updateMerchantRow(tx, from, {
        key_source: "none",
        halted: `its key was retired; the shop goes on as ${npub(to)}`,
        updated_at: now,
      });
      await removeSecret(tx, from, "key");
      const detail =
        `${npub(from)} answers nobody any more: its last order has ended, and buyers had 30 days to ` +
        `learn of ${npub(to)}. Copies of it in your files and backups are yours to remove.`;
      await alert(tx, { merchant: to, kind: "key_retired", fact: `key:${from}:retired`, detail }, now);
    });
  }
}
