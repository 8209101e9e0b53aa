import type { Database } from "../../src/db/database.ts";
import { createProduct } from "../../src/catalog/products.ts";
import { type ProductInput, productInput } from "../../src/catalog/product_input.ts";
import { ensureMerchant } from "../../src/catalog/merchants.ts";
import type { ProductResource, StallResource } from "../../src/catalog/resources.ts";
import { type StallInput, stallInput } from "../../src/catalog/stall_input.ts";
import { createStall } from "../../src/catalog/stalls.ts";
import type { Random } from "../../src/random.ts";

export const now = Date.UTC(2026, 0, 1);
export const merchant = "aa".repeat(32);

/** UUIDs that count up. */
export function countingRandom(): Random {
  let n = 0;
  return {
    bytes: (length) => new Uint8Array(length),
    uuid: () => `00000000-0000-4000-8000-${String(++n).padStart(12, "0")}`,
    fraction: () => 0,
  };
}

/** A merchant's catalogue to be filled by a test; every refusal of it is a failure. */
export class Shop {
  readonly random = countingRandom();
  constructor(readonly database: Database, readonly merchant: string, readonly at = now) {}

  static async open(database: Database, pubkey = merchant, at = now): Promise<Shop> {
    await database.transaction((tx) => ensureMerchant(tx, { pubkey, keySource: "settings", now: at }));
    return new Shop(database, pubkey, at);
  }

  async stall(input: Partial<StallInput> = {}): Promise<StallResource> {
    const made = await this.createStall(input);
    if (!made.ok) throw new Error(made.reason);
    return made.stall;
  }

  createStall(input: Partial<StallInput> = {}) {
    const { merchant, at: now, random } = this;
    const whole = stallInput.parse({ id: "tea", name: "Tea", currency: "sat", ...input });
    return this.database.transaction((tx) => createStall(tx, { merchant, input: whole, now, random }));
  }

  async product(input: Partial<ProductInput> = {}): Promise<ProductResource> {
    const made = await this.createProduct(input);
    if (!made.ok) throw new Error(made.reason);
    return made.product;
  }

  createProduct(input: Partial<ProductInput> = {}) {
    const { merchant, at: now, random } = this;
    const whole = productInput.parse({
      id: "cup",
      stall_id: "tea",
      name: "Cup",
      price: 100,
      quantity: 5,
      ...input,
    });
    return this.database.transaction((tx) => createProduct(tx, { merchant, input: whole, now, random }));
  }
}
