import { conflict, type Refusal } from "./refusal.ts";

/** Another system that decides most of some stalls and of the products in them. */
export type Keeper = "medusa";

const NAMES: Record<Keeper, string> = { medusa: "Medusa" };

/** What may be kept by another system, as its row says it. */
interface Kept {
  kept_by: Keeper | null;
  id: string;
}

/** What of a row its keeper alone decides, where the row has it. */
const DECIDED = ["stall_id", "type", "parent_id", "price", "currency", "shipping"] as const;
type Decided = Partial<Record<typeof DECIDED[number], unknown>>;

/** Whether it belongs to another system than who is at it; `by` is undefined for the merchant. */
export function isKept<T extends Kept>(
  row: T | undefined,
  by: Keeper | undefined,
): row is T & { kept_by: Keeper } {
  return row !== undefined && row.kept_by !== null && row.kept_by !== by;
}

/** Refuses a change of what the keeper alone decides; null when it is about the rest. */
export function keptChange(
  there: Kept & { kept_by: Keeper } & Decided,
  next: Decided,
  restocked = false,
): Refusal | null {
  const what = "price" in there ? "product" : "stall";
  const changed = DECIDED.filter((field) => field in there && there[field] !== next[field]);
  const [first] = restocked ? [...changed, "quantity" as const] : changed;
  return first === undefined ? null : keptOtherwise(what, there.id, first);
}

/** Refuses what the merchant can only do where the thing is kept: delete it, count it, or change that field of it. */
export function keptOtherwise(what: "product" | "stall", id: string, field?: string): Refusal {
  const said = `${
    field === undefined ? "" : `the ${field} of `
  }the ${what} ${id} is kept by ${NAMES.medusa}: change it there`;
  const instead = `leave it out: PATCH /api/v1/medusa/products/${id}`;
  return conflict(what === "product" ? `${said}, or ${instead}` : said, field && `/${field}`);
}

/** Refuses another product in a stall that is kept elsewhere. */
export function keptStall({ id, kept_by }: Kept & { kept_by: Keeper }): Refusal {
  return conflict(
    `the stall ${id} is kept by ${NAMES[kept_by]}: make the product there, or in another stall`,
    "/stall_id",
  );
}
