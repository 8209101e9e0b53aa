import type { Kysely, Selectable } from "kysely";
import type { Tx } from "../db/database.ts";
import type { EarlierPricesTable, Tables } from "../db/tables.ts";
import type { CatalogueSlice } from "./catalogue_slice.ts";
import { extraCostsOf, type ProductRow, type StallRow, zonesOf } from "./resources.ts";

/** How long a price is remembered after it was changed. */
export const PRICES_KEPT_MS = 24 * 3_600_000;

type EarlierPrice = Selectable<EarlierPricesTable>;

type ProductTerms = Pick<ProductRow, "price" | "currency" | "shipping">;
type StallTerms = Pick<StallRow, "currency" | "shipping">;

/** Remembers what a product cost until `now`, if that changes. */
export async function keepProductPrice(
  tx: Tx,
  before: ProductTerms & { merchant: string; id: string },
  after: Partial<ProductTerms>,
  now: number,
): Promise<void> {
  const { price, currency, shipping } = before;
  await keep(tx, { ...before, kind: "product" }, { price, currency, shipping }, after, now);
}

/** Remembers what a stall's shipping cost until `now`, if that changes. */
export async function keepStallPrices(
  tx: Tx,
  before: StallTerms & { merchant: string; id: string },
  after: Partial<StallTerms>,
  now: number,
): Promise<void> {
  const { currency, shipping } = before;
  await keep(tx, { ...before, kind: "stall" }, { currency, shipping }, after, now);
}

/** Prices of these products and stalls that held until some time after `since` (ms), oldest first. */
export async function earlierPrices(
  db: Kysely<Tables>,
  merchant: string,
  { products, stalls }: CatalogueSlice,
  since: number,
): Promise<EarlierPrice[]> {
  const ids = { product: products.map(({ id }) => id), stall: stalls.map(({ id }) => id) };
  const kinds = (["product", "stall"] as const).filter((kind) => ids[kind].length > 0);
  if (kinds.length === 0) return [];
  return await db.selectFrom("earlier_prices").selectAll().where("merchant", "=", merchant)
    .where((eb) => eb.or(kinds.map((kind) => eb.and([eb("kind", "=", kind), eb("id", "in", ids[kind])]))))
    .where("until", ">", since).orderBy("until").execute();
}

/** The catalogue with the prices that held at `at` (ms). `earlier` as `earlierPrices` gives them. */
export function pricesAt(catalogue: CatalogueSlice, earlier: EarlierPrice[], at: number): CatalogueSlice {
  const then = (kind: EarlierPrice["kind"], id: string) =>
    earlier.find((one) => one.kind === kind && one.id === id && one.until > at)?.terms;
  return {
    products: catalogue.products.map((product) => {
      const terms = then("product", product.id);
      if (terms === undefined) return product;
      const { price, currency, shipping }: ProductTerms = JSON.parse(terms);
      return { ...product, price, currency, shipping: extraCostsOf({ shipping }) };
    }),
    stalls: catalogue.stalls.map((stall) => {
      const terms = then("stall", stall.id);
      if (terms === undefined) return stall;
      const { currency, shipping }: StallTerms = JSON.parse(terms);
      return { ...stall, currency, zones: zonesOf({ shipping }) };
    }),
  };
}

async function keep(
  tx: Tx,
  { merchant, kind, id }: { merchant: string; kind: EarlierPrice["kind"]; id: string },
  terms: Record<string, string>,
  after: Record<string, unknown>,
  now: number,
): Promise<void> {
  if (Object.entries(terms).every(([name, value]) => (after[name] ?? value) === value)) return;
  await tx.deleteFrom("earlier_prices").where("merchant", "=", merchant).where("kind", "=", kind)
    .where("id", "=", id).where("until", "<=", now - PRICES_KEPT_MS).execute();
  // Of two changes in one moment the first ended a price that had been seen.
  await tx.insertInto("earlier_prices").values({
    merchant,
    kind,
    id,
    until: now,
    terms: JSON.stringify(terms),
  })
    .onConflict((on) => on.columns(["merchant", "kind", "id", "until"]).doNothing()).execute();
}
