import type { Clock } from "../../clock.ts";
import type { Database } from "../../db/database.ts";
import type { Random } from "../../random.ts";
import { type Applied, applyPage } from "./apply_page.ts";
import { type MappingContext, mapProduct, type Wanted } from "./mapping.ts";
import type { ProductPage } from "./pages.ts";

/** Products of ours that one transaction is about, unless one product of Medusa's becomes more: others wait meanwhile. */
const MOST_AT_ONCE = 50;

/** Maps the products of a page and brings the catalogue to them. `ids` are those that were asked for: what isn't there any more goes. */
export async function takeProducts(
  { database, clock, random }: { database: Database; clock: Clock; random: Random },
  o: {
    merchant: string;
    sweep: number;
    ids: readonly string[];
    page: ProductPage;
    context: MappingContext;
    signal?: AbortSignal;
  },
): Promise<Applied> {
  const { merchant, sweep, page: { products, priceOf, readAt }, context } = o;
  const families = new Map<string, Wanted[]>(o.ids.map((id) => [id, []]));
  for (const product of products) families.set(product.id, mapProduct(product, priceOf, context));
  const sums: Applied = { made: 0, changed: 0, removed: 0, unchanged: 0, restocked: 0 };
  for (const part of parts([...families])) {
    o.signal?.throwIfAborted();
    const page = {
      merchant,
      sweep,
      readAt,
      products: part.map(([id]) => id),
      wanted: part.flatMap(([, all]) => all),
    };
    const applied = await database.transaction((tx) => applyPage(tx, page, { now: clock.now(), random }));
    for (const name of Object.keys(sums) as (keyof Applied)[]) sums[name] += applied[name];
  }
  return sums;
}

/** Families together, at most so many products in each part where that can be. */
function* parts(families: [string, Wanted[]][]): Iterable<[string, Wanted[]][]> {
  let part: [string, Wanted[]][] = [];
  let size = 0;
  for (const family of families) {
    const more = Math.max(1, family[1].length);
    if (part.length > 0 && size + more > MOST_AT_ONCE) {
      yield part;
      [part, size] = [[], 0];
    }
    part.push(family);
    size += more;
  }
  if (part.length > 0) yield part;
}
