import { deleteProduct, updateProduct } from "../../catalog/products.ts";
import { selectProduct } from "../../catalog/products_store.ts";
import { conflict, invalid, notFound, type Refusal } from "../../catalog/refusal.ts";
import { lockMerchant, releaseKept } from "../../catalog/stalls_store.ts";
import type { Tx } from "../../db/database.ts";
import type { Random } from "../../random.ts";
import { forgetBridge } from "./bridge_store.ts";
import { bringStall } from "./bridge.ts";
import { inputOfRow, oursOf } from "./listing.ts";
import { type Conflict, settle, type Shared, type SharedField } from "./merge.ts";
import * as store from "./products_store.ts";
import { productLater, sweepLater } from "./sweep_queue.ts";
import { selectZones, setLeftOut, type ZoneRow } from "./zones_store.ts";

/** Whose catalogue, and when. */
interface At {
  merchant: string;
  id: string;
  now: number;
}

const by = "medusa";

/**
 * Leaves a product out of Nostr, or takes it again: it is read from Medusa then. A variable product takes its variations
 * along.
 */
export async function leaveOut(tx: Tx, at: At, leftOut: boolean): Promise<{ ok: true } | Refusal> {
  const { merchant, id, now } = at;
  await lockMerchant(tx, merchant);
  const known = await store.selectKnown(tx, merchant, id);
  if (!known) return notFound(`Medusa has no product ${id} that is known here`);
  const family = await store.selectOfMedusa(tx, merchant, [known.medusa_product]);
  const parent = family.find(({ product_id }) => product_id === known.medusa_product);
  if (!leftOut && parent && parent.product_id !== id && parent.left_out === 1) {
    return conflict(`it is left out with the whole product ${parent.product_id}: take that one again`);
  }
  const meant = known.medusa_variant === null ? family : family.filter(({ product_id }) => product_id === id);
  // A variable product goes after its variations.
  meant.sort((a, b) => Number(a.medusa_variant === null) - Number(b.medusa_variant === null));
  for (const one of meant) {
    if (leftOut && (await selectProduct(tx, merchant, one.product_id))?.deleted_at === null) {
      const done = await deleteProduct(tx, { merchant, id: one.product_id, now, by });
      if (!done.ok) return done;
    }
    await store.updateKnown(tx, merchant, one.product_id, {
      left_out: leftOut ? 1 : 0,
      // Whatever Medusa said of it, it is looked at anew.
      seen_hash: "",
      ...leftOut && { base: null, conflicts: null },
      updated_at: now,
    });
  }
  if (!leftOut) await productLater(tx, { merchant, product: known.medusa_product }, now, now);
  return { ok: true };
}

/** Decides conflicts of a product: what it says from now on, until Medusa changes it again. */
export async function takeSides(
  tx: Tx,
  at: At,
  take: Partial<Record<SharedField, "ours" | "theirs">>,
): Promise<{ ok: true } | Refusal> {
  const { merchant, id, now } = at;
  await lockMerchant(tx, merchant);
  const known = await store.selectKnown(tx, merchant, id);
  const row = await selectProduct(tx, merchant, id);
  if (!known) return notFound(`Medusa has no product ${id} that is known here`);
  if (!known.base || !row || row.deleted_at !== null) {
    return conflict(`the product ${id} isn't in the catalogue`);
  }
  const open = conflictsOf(known);
  let state: { merged: Shared; base: Shared } = { merged: oursOf(row), base: JSON.parse(known.base) };
  for (const [field, side] of Object.entries(take)) {
    const found = open.find((one) => one.field === field);
    if (found === undefined) return invalid(`there is no conflict about its ${field}`, `/take/${field}`);
    state = settle(state.base, state.merged, found, side);
  }
  const done = await updateProduct(tx, { merchant, id, input: inputOfRow(row, state.merged), now, by });
  if (!done.ok) return done;
  const left = open.filter(({ field }) => !(field in take));
  await store.updateKnown(tx, merchant, id, {
    base: JSON.stringify(state.base),
    conflicts: left.length > 0 ? JSON.stringify(left) : null,
    updated_at: now,
  });
  return { ok: true };
}

/** Leaves a zone out, or takes it again; what products cost there is reckoned anew by the next sweep. */
export async function leaveZoneOut(
  tx: Tx,
  at: At & { random: Random },
  leftOut: boolean,
): Promise<{ ok: true } | Refusal> {
  const { merchant, id, now } = at;
  await lockMerchant(tx, merchant);
  const zones = await selectZones(tx, merchant);
  if (!zones.some(({ zone_id }) => zone_id === id)) {
    return notFound(`Medusa has no zone ${id} that is known here`);
  }
  const others = zones.filter((zone) => zone.zone_id !== id && isUsable(zone));
  if (leftOut && others.length === 0) {
    return conflict("it is the last zone that goods can be sent to: a stall needs one");
  }
  await setLeftOut(tx, merchant, id, leftOut, now);
  const problem = await bringStall(tx, at, null);
  if (problem !== null) return conflict(problem);
  await sweepLater(tx, merchant, now, now);
  return { ok: true };
}

/** The shop is done with Medusa: what that kept stays as it is, and is the merchant's own. */
export async function letGo(tx: Tx, merchant: string): Promise<void> {
  await lockMerchant(tx, merchant);
  await releaseKept(tx, merchant);
  await forgetBridge(tx, merchant);
}

/** What both sides changed of a product. */
export function conflictsOf({ conflicts }: Pick<store.KnownProduct, "conflicts">): Conflict[] {
  return conflicts === null ? [] : JSON.parse(conflicts);
}

function isUsable({ left_out, trouble }: ZoneRow): boolean {
  return left_out === 0 && trouble === null;
}
