import type { Insertable } from "kysely";
import type { ProductsTable } from "../db/tables.ts";
import { readAmount, readCurrency } from "./amounts.ts";
import type { ProductInput } from "./product_input.ts";
import { invalid, type Refusal } from "./refusal.ts";
import { type ExtraCost, type ProductRow, type StallRow, zonesOf } from "./resources.ts";

/** What a product's fields are checked against. */
export interface Surroundings {
  merchant: string;
  id: string;
  /** The stall it names; undefined when there is none. */
  stall: StallRow | undefined;
  /** The product that it names as its parent; undefined when it names none or there is none. */
  parent: ProductRow | undefined;
  /** The product as it was; undefined for a new one. */
  before: ProductRow | undefined;
  now: number;
}

/** The columns of a product that its merchant decides. */
export type ProductColumns = Omit<Insertable<ProductsTable>, "created_at">;

/** The parent's id from `parent_id` or from the `a` tag's value; null when none is named. */
export function parentIdOf(
  input: Pick<ProductInput, "parent_id" | "a">,
  merchant: string,
): { ok: true; id: string | null } | Refusal {
  if (input.a === undefined) return { ok: true, id: input.parent_id ?? null };
  const prefix = `30018:${merchant}:`;
  if (!input.a.startsWith(prefix) || input.a.length === prefix.length) {
    return invalid(`must be ${prefix}<id of the variable product>`, "/a");
  }
  const id = input.a.slice(prefix.length);
  if (input.parent_id && input.parent_id !== id) {
    return invalid("a and parent_id name different products", "/a");
  }
  return { ok: true, id };
}

/** Checks a product's input against what is around it and makes the row's columns of it. */
export function readProduct(
  input: ProductInput,
  at: Surroundings,
): { ok: true; row: ProductColumns } | Refusal {
  const { stall, before } = at;
  if (!stall) return invalid(`there is no stall ${input.stall_id}`, "/stall_id");
  if (input.merchant !== undefined && input.merchant !== at.merchant) {
    return invalid(`the product belongs to the merchant ${at.merchant}`, "/merchant");
  }
  const family = readFamily(input, at);
  if (!family.ok) return family;
  const currency = readCurrency(input.currency ?? stall.currency, "/currency");
  if (!currency.ok) return currency;
  const price = readAmount(input.price, currency.currency, "/price");
  if (!price.ok) return price;
  const shipping = readExtraCosts(input.shipping ?? [], stall);
  if (!shipping.ok) return shipping;
  return {
    ok: true,
    row: {
      merchant: at.merchant,
      id: at.id,
      stall_id: stall.id,
      type: family.type,
      parent_id: family.parentId,
      name: input.name,
      description: input.description ?? "",
      images: JSON.stringify(input.images ?? []),
      currency: currency.currency,
      price: price.amount,
      specs: JSON.stringify(input.specs ?? []),
      shipping: JSON.stringify(shipping.costs),
      categories: JSON.stringify([...new Set(input.categories ?? [])]),
      digital: input.digital ? 1 : 0,
      digital_content: input.digital_content === undefined
        ? before?.digital_content ?? null
        : input.digital_content,
      active: input.active === false ? 0 : 1,
      deleted_at: null,
      updated_at: at.now,
    },
  };
}

/** NIP-15: a variation belongs to a variable product; here also: to one of the same stall. */
function readFamily(
  input: ProductInput,
  at: Surroundings,
): { ok: true; type: ProductRow["type"]; parentId: string | null } | Refusal {
  const named = parentIdOf(input, at.merchant);
  if (!named.ok) return named;
  const type = input.type ?? (named.id === null ? "simple" : "variation");
  const pointer = input.a === undefined ? "/parent_id" : "/a";
  if (type !== "variation") {
    if (named.id === null) return { ok: true, type, parentId: null };
    return invalid(`a ${type} product has no parent: say "type": "variation"`, pointer);
  }
  if (named.id === null) {
    return invalid("a variation needs parent_id, the id of its variable product", pointer);
  }
  if (named.id === at.id) return invalid("a product can't be its own parent", pointer);
  const { parent } = at;
  if (!parent || parent.deleted_at !== null || parent.type !== "variable") {
    return invalid(`there is no variable product ${named.id}`, pointer);
  }
  if (parent.stall_id !== input.stall_id) {
    return invalid(`the product ${named.id} is in another stall`, pointer);
  }
  return { ok: true, type, parentId: named.id };
}

function readExtraCosts(
  input: NonNullable<ProductInput["shipping"]>,
  stall: StallRow,
): { ok: true; costs: ExtraCost[] } | Refusal {
  const zones = zonesOf(stall);
  const costs: ExtraCost[] = [];
  for (const [i, { id, cost }] of input.entries()) {
    if (!zones.some((zone) => zone.id === id)) {
      const known = zones.map((zone) => `${zone.id} (${zone.name})`).join(", ");
      return invalid(`the stall has no zone ${id}; it has ${known}`, `/shipping/${i}/id`);
    }
    if (costs.some((one) => one.id === id)) {
      return invalid(`two costs for the zone ${id}`, `/shipping/${i}/id`);
    }
    const amount = readAmount(cost, stall.currency, `/shipping/${i}/cost`);
    if (!amount.ok) return amount;
    costs.push({ id, cost: amount.amount });
  }
  return { ok: true, costs };
}
