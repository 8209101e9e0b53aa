import { sql } from "kysely";
import { changeStock, getProduct, updateProduct } from "../../../src/catalog/products.ts";
import { type ProductInput, productInput } from "../../../src/catalog/product_input.ts";
import type { ProductResource } from "../../../src/catalog/resources.ts";
import type { Database } from "../../../src/db/database.ts";
import type { Ask } from "../../../src/medusa/catalogue/ask.ts";
import { productJob } from "../../../src/medusa/catalogue/hints.ts";
import { type CatalogueReport, lastSweep } from "../../../src/medusa/catalogue/sweep_report.ts";
import { type CatalogueDeps, sweepJob } from "../../../src/medusa/catalogue/sweep.ts";
import { ensureBridgeRow } from "../../../src/medusa/catalogue/bridge_store.ts";
import { reportOf } from "../../../src/medusa/report_store.ts";
import { selectKnown } from "../../../src/medusa/catalogue/products_store.ts";
import { Shop } from "../../catalog/shop.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { silentLog } from "../../support/log.ts";
import { FakeCatalogue } from "./fake_catalogue.ts";

/** A merchant with a Medusa. */
export class Scene {
  readonly medusa = new FakeCatalogue();
  readonly clock = new FakeClock();
  /** Where it asks. */
  ask: Ask = this.medusa.ask;
  choice: CatalogueDeps["choice"] = { channel: null, currency: null };

  private constructor(readonly database: Database, readonly shop: Shop) {}

  get deps(): CatalogueDeps {
    const { database, clock, ask, choice, shop } = this;
    const merchant = () => this.merchant;
    return { database, clock, random: shop.random, log: silentLog, ask, choice, everyMs: 900_000, merchant };
  }

  /** Of a merchant of its own, or of one that is there. */
  static async open(database: Database, merchant?: string): Promise<Scene> {
    const scene = new Scene(database, await Shop.open(database, merchant));
    await database.transaction((tx) => ensureBridgeRow(tx, scene.merchant, scene.clock.now()));
    return scene;
  }

  get merchant(): string {
    return this.shop.merchant;
  }

  /** A full sweep, a minute after what was before. */
  async sweep(): Promise<CatalogueReport> {
    await this.clock.advance(60_000);
    await sweepJob(this.deps).run(this.job("medusa.sweep", {}));
    return await this.report();
  }

  /** One product, as after a hint. */
  async hint(product: string): Promise<void> {
    await this.clock.advance(1_000);
    await productJob(this.deps).run(this.job("medusa.product", { product }));
  }

  job(kind: string, payload: Record<string, unknown>) {
    return {
      id: 1,
      kind,
      payload: { merchant: this.merchant, ...payload },
      attempt: 1,
      signal: new AbortController().signal,
      complete: () => Promise.resolve(),
    };
  }

  async report(): Promise<CatalogueReport> {
    const { report } = await reportOf(this.database.kysely, this.merchant);
    return { ...report, sweep: lastSweep(report)! };
  }

  /** A product of the catalogue; undefined when it has none. */
  async product(id: string): Promise<ProductResource | undefined> {
    const found = await getProduct(this.database.kysely, { id });
    return found.ok ? found.product : undefined;
  }

  /** What is known of a product. */
  known(id: string) {
    return selectKnown(this.database.kysely, this.merchant, id);
  }

  /** The merchant changes a product here, as the API does. */
  async edit(id: string, change: Partial<ProductInput>): Promise<void> {
    const { quantity: _quantity, ...now } = (await this.product(id))!;
    const fields = Object.keys(productInput.shape) as (keyof typeof now)[];
    const before = Object.fromEntries(fields.flatMap((field) => field in now ? [[field, now[field]]] : []));
    const input = productInput.parse({ ...before, ...change });
    const { merchant } = this;
    const done = await this.database.transaction((tx) =>
      updateProduct(tx, { merchant, id, input, now: this.clock.now() })
    );
    if (!done.ok) throw new Error(done.reason);
  }

  /** Our ledger is off by something, whatever the reason. */
  async miscount(id: string, set: number): Promise<void> {
    const { merchant } = this;
    await this.database.transaction((tx) =>
      changeStock(tx, { merchant, id, change: { set }, now: this.clock.now(), by: "medusa" })
    );
  }

  /** What is to be published, since the last look. */
  async publications(): Promise<string[]> {
    const { kysely } = this.database;
    const rows = await kysely.selectFrom("jobs").select("key").where("kind", "=", "catalog.publish")
      .execute();
    await kysely.deleteFrom("jobs").where("kind", "=", "catalog.publish").execute();
    return rows.map(({ key }) => key!.split(":").slice(1).join(":")).sort();
  }

  /** How many rows were written so far, of anything (SQLite alone tells). */
  async writes(): Promise<number> {
    const { rows: [row] } = await sql<{ n: number }>`select total_changes() as n`.execute(
      this.database.kysely,
    );
    return row!.n;
  }
}
