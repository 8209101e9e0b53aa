import { copyCatalogue, forgetCatalogue, handOverRest, withdrawCatalogue } from "../catalog/moving.ts";
import { publishIdentity } from "../catalog/identity_queue.ts";
import { type MerchantRow, updateMerchantRow } from "../catalog/merchants_store.ts";
import type { Database, Tx } from "../db/database.ts";
import { npub } from "../nostr/keys.ts";
import { countUnfinished, movedMerchants } from "./key_change_store.ts";

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
