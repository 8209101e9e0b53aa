/** The fields of a product that its merchant may change here, too; all others are Medusa's alone. */
export const SHARED_FIELDS = [
  "name",
  "description",
  "images",
  "specs",
  "categories",
  "active",
  "digital",
] as const;
export type SharedField = typeof SHARED_FIELDS[number];

/** What those fields say: texts, flags, lists. */
export type Shared = Record<SharedField, unknown>;

/** A field that both sides changed: the merchant decides. */
export interface Conflict {
  field: SharedField;
  ours: unknown;
  theirs: unknown;
}

/**
 * Brings together what the merchant and Medusa changed since both said `base`. Where one did, that one counts; where both did, and
 * not to the same, it stays as the merchant has it, and is a conflict until `base` follows one of them. The new `base` is what
 * the next merge starts from.
 */
export function merge(
  base: Shared,
  ours: Shared,
  theirs: Shared,
): { merged: Shared; base: Shared; conflicts: Conflict[] } {
  const merged = { ...ours };
  const next = { ...theirs };
  const conflicts: Conflict[] = [];
  for (const field of SHARED_FIELDS) {
    if (same(ours[field], theirs[field])) continue;
    if (same(base[field], ours[field])) {
      merged[field] = theirs[field];
    } else if (!same(base[field], theirs[field])) {
      conflicts.push({ field, ours: ours[field], theirs: theirs[field] });
      next[field] = base[field];
    }
  }
  return { merged, base: next, conflicts };
}

/** Ends a conflict: with `theirs` the field says what Medusa says, with `ours` what the merchant says, until Medusa changes it. */
export function settle(
  base: Shared,
  ours: Shared,
  { field, theirs }: Conflict,
  take: "ours" | "theirs",
): { merged: Shared; base: Shared } {
  return {
    merged: take === "theirs" ? { ...ours, [field]: theirs } : ours,
    base: { ...base, [field]: theirs },
  };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
