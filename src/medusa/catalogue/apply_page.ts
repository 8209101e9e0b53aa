import { changeStock, createProduct, deleteProduct, updateProduct } from "../../catalog/products.ts";
import { selectProducts } from "../../catalog/products_store.ts";
import type { ProductRow } from "../../catalog/resources.ts";
import { lockMerchant } from "../../catalog/stalls_store.ts";
import type { Tx } from "../../db/database.ts";
import type { Random } from "../../random.ts";
import { type Level, levels } from "../../stock/stock.ts";
import { contentHash, inputOf, oursOf, theirsOf } from "./listing.ts";
import type { Wanted, WantedInput } from "./mapping.ts";
import { merge, type Shared } from "./merge.ts";
import { ownUnits } from "./own_orders_store.ts";
import * as store from "./products_store.ts";
import { onHand, type OwnUnits } from "./stock_figure.ts";

/** Products of Medusa's, whole, as they were read. */
export interface Page {
  merchant: string;
  /** Medusa's ids of all that were asked for: what became of one of them and isn't wanted any more goes. */
  products: readonly string[];
  wanted: readonly Wanted[];
  /** The full sweep that is under way, or was the last. */
  sweep: number;
  /** When (ms) Medusa was asked. */
  readAt: number;
}

/** What a page came to, in products of ours. */
export interface Applied {
  made: number;
  changed: number;
  removed: number;
  unchanged: number;
  restocked: number;
}

const by = "medusa";

/**
 * Brings the catalogue to what Medusa says, in one transaction. Products of which it says what it said before cost one write
 * together; what was taken from Medusa later than this page stays.
 */
export async function applyPage(tx: Tx, page: Page, { now, random }: Now): Promise<Applied> {
  await lockMerchant(tx, page.merchant);
  return await new PageRun(tx, page, now, random, await situation(tx, page)).run();
}

interface Now {
  now: number;
  random: Random;
}

/** What there is of a page's products. */
interface Situation {
  known: Map<string, store.KnownProduct>;
  rows: Map<string, ProductRow>;
  levels: Map<string, Level>;
  units: Map<string, OwnUnits[]>;
}

async function situation(tx: Tx, { merchant, products, wanted, readAt }: Page): Promise<Situation> {
  const known = new Map(
    (await store.selectOfMedusa(tx, merchant, products)).map((row) => [row.product_id, row]),
  );
  const ids = [...new Set([...known.keys(), ...wanted.map(({ id }) => id)])];
  const rows = (await selectProducts(tx, merchant, ids)).filter((row) => row.deleted_at === null);
  return {
    known,
    rows: new Map(rows.map((row) => [row.id, row])),
    levels: await levels(tx, merchant, ids),
    units: await ownUnits(tx, merchant, ids, readAt),
  };
}

class PageRun {
  readonly #tx: Tx;
  readonly #page: Page;
  readonly #now: number;
  readonly #random: Random;
  readonly #at: Situation;
  readonly #applied: Applied = { made: 0, changed: 0, removed: 0, unchanged: 0, restocked: 0 };
  readonly #unchanged: string[] = [];
  /** What leaves the catalogue, and why; undefined: Medusa hasn't got it any more. */
  readonly #leaving: { known: store.KnownProduct; wanted?: Wanted }[] = [];

  constructor(tx: Tx, page: Page, now: number, random: Random, at: Situation) {
    this.#tx = tx;
    this.#page = page;
    this.#now = now;
    this.#random = random;
    this.#at = at;
  }

  async run(): Promise<Applied> {
    const { merchant, wanted, readAt, sweep } = this.#page;
    const ids = new Set(wanted.map(({ id }) => id));
    for (const known of this.#at.known.values()) {
      if (!ids.has(known.product_id) && known.read_at <= readAt) this.#leaving.push({ known });
    }
    // A variable product comes before its variations.
    for (const one of wanted) await this.#bring(one);
    // And goes after them.
    this.#leaving.sort((a, b) =>
      Number(a.known.medusa_variant === null) - Number(b.known.medusa_variant === null)
    );
    for (const { known, wanted } of this.#leaving) await this.#remove(known, wanted);
    await store.markSeen(this.#tx, merchant, this.#unchanged, sweep);
    // In one order everywhere, as orders lock them.
    for (const one of wanted.toSorted((a, b) => a.id < b.id ? -1 : 1)) await this.#restock(one);
    return this.#applied;
  }

  async #bring(wanted: Wanted): Promise<void> {
    const known = this.#at.known.get(wanted.id);
    const row = this.#at.rows.get(wanted.id);
    const same = known?.seen_hash === contentHash(wanted) && (known.base === null || row !== undefined);
    if (known && (known.read_at > this.#page.readAt || (same && known.conflicts === null))) {
      this.#asBefore(wanted);
    } else if (wanted.input === null || this.#isLeftOut(wanted)) {
      if (known?.base) this.#leaving.push({ known, wanted });
      else await this.#note(wanted, { base: null, conflicts: null, trouble: wanted.trouble });
    } else if (row === undefined) {
      await this.#make(wanted, wanted.input);
    } else await this.#change(wanted, wanted.input, known, row);
  }

  #asBefore({ id }: Wanted): void {
    this.#applied.unchanged++;
    this.#unchanged.push(id);
  }

  async #make(wanted: Wanted, input: WantedInput): Promise<void> {
    const { merchant } = this.#page;
    const theirs = theirsOf(input);
    const figure = this.#figure(wanted);
    const made = await createProduct(this.#tx, {
      merchant,
      input: { ...inputOf(input, theirs), quantity: figure === null ? 0 : figure.onHand },
      now: this.#now,
      random: this.#random,
      by,
    });
    if (!made.ok) return await this.#refused(wanted, made.reason);
    this.#applied.made++;
    await this.#note(wanted, { base: theirs, conflicts: null, trouble: null });
  }

  async #change(
    wanted: Wanted,
    input: WantedInput,
    known: store.KnownProduct | undefined,
    row: ProductRow,
  ): Promise<void> {
    if (row.kept_by !== by) {
      return await this.#refused(wanted, `there is a product ${row.id} of yours already`);
    }
    const theirs = theirsOf(input);
    // Without a base nobody knows who changed what: what stands here may be the merchant's.
    const base: Shared = known?.base ? JSON.parse(known.base) : theirs;
    const merged = merge(base, oursOf(row), theirs);
    const conflicts = merged.conflicts.length > 0 ? merged.conflicts : null;
    const open = conflicts && JSON.stringify(conflicts) === known?.conflicts;
    if (open && known?.seen_hash === contentHash(wanted)) return this.#asBefore(wanted);
    const done = await updateProduct(this.#tx, {
      merchant: this.#page.merchant,
      id: wanted.id,
      input: inputOf(input, merged.merged),
      now: this.#now,
      by,
    });
    if (!done.ok) return await this.#refused(wanted, done.reason);
    this.#applied.changed++;
    await this.#note(wanted, { base: merged.base, conflicts, trouble: null });
  }

  async #remove(known: store.KnownProduct, wanted: Wanted | undefined): Promise<void> {
    const { merchant } = this.#page;
    const id = known.product_id;
    if (this.#at.rows.get(id)?.kept_by === by) {
      const done = await deleteProduct(this.#tx, { merchant, id, now: this.#now, by });
      if (!done.ok) throw new Error(`the product ${id} can't leave the catalogue: ${done.reason}`);
      this.#applied.removed++;
    }
    if (wanted === undefined) await store.deleteKnown(this.#tx, merchant, [id]);
    else await this.#note(wanted, { base: null, conflicts: null, trouble: wanted.trouble });
  }

  async #restock(wanted: Wanted): Promise<void> {
    const { merchant, readAt } = this.#page;
    const known = this.#at.known.get(wanted.id);
    const figure = this.#figure(wanted);
    const level = this.#at.levels.get(wanted.id);
    const isHere = this.#at.rows.get(wanted.id)?.kept_by === by && wanted.input !== null;
    if (!isHere || wanted.medusaVariant === null || !figure || !level || (known?.read_at ?? 0) > readAt) {
      return;
    }
    if (this.#leaving.some((one) => one.known.product_id === wanted.id) || figure.onHand === level.onHand) {
      return;
    }
    const done = await changeStock(this.#tx, {
      merchant,
      id: wanted.id,
      change: { set: figure.onHand },
      now: this.#now,
      by,
    });
    if (!done.ok) throw new Error(`the stock of ${wanted.id} can't be set: ${done.reason}`);
    this.#applied.restocked++;
    await store.updateKnown(this.#tx, merchant, wanted.id, { read_at: readAt, trouble: null });
  }

  #figure(wanted: Wanted): { onHand: number | null } | null {
    return onHand(wanted.available, this.#at.units.get(wanted.id) ?? [], this.#page.readAt, this.#now);
  }

  /** A family is left out with its variable product. */
  #isLeftOut({ id, medusaProduct }: Wanted): boolean {
    return [id, medusaProduct].some((one) => this.#at.known.get(one)?.left_out === 1);
  }

  /** What our own catalogue doesn't take is looked at again each time: the reason is here. What is listed stays so. */
  async #refused(wanted: Wanted, trouble: string): Promise<void> {
    const base = this.#at.known.get(wanted.id)?.base ?? null;
    await this.#note(wanted, { base: base && JSON.parse(base), conflicts: null, trouble }, "");
  }

  async #note(
    wanted: Wanted,
    state: { base: Shared | null; conflicts: unknown[] | null; trouble: string | null },
    hash = contentHash(wanted),
  ): Promise<void> {
    await store.putKnown(this.#tx, {
      merchant: this.#page.merchant,
      product_id: wanted.id,
      medusa_product: wanted.medusaProduct,
      medusa_variant: wanted.medusaVariant,
      title: wanted.title,
      seen_hash: hash,
      base: state.base && JSON.stringify(state.base),
      conflicts: state.conflicts && JSON.stringify(state.conflicts),
      trouble: state.trouble,
      sweep: this.#page.sweep,
      read_at: this.#page.readAt,
      created_at: this.#now,
      updated_at: this.#now,
      left_out: this.#at.known.get(wanted.id)?.left_out ?? (this.#isLeftOut(wanted) ? 1 : 0),
    });
  }
}
