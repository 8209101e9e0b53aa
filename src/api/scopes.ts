/** Parts of the API; each can be looked at and changed. */
const areas = [
  "merchant",
  "catalog",
  "orders",
  "payments",
  "wallets",
  "refunds",
  "messages",
  "customers",
  "notices",
  "relays",
  "jobs",
  "metrics",
  "tokens",
] as const;

/**
 * What a token may do: an area of it; `invoices`: ask for invoices, and see those that it asked for, nothing else; or, as
 * `operator`, what belongs to no merchant (design §9).
 */
export type Scope = `${typeof areas[number]}:${"read" | "write"}` | "invoices" | "operator";

/** Every scope. An area has both kinds, also where nothing can be changed yet. */
export const scopes: readonly [Scope, ...Scope[]] = [
  "operator",
  "invoices",
  ...areas.flatMap((area) => [`${area}:read`, `${area}:write`] as const),
];

/** Whether a text names a scope. */
export function isScope(text: unknown): text is Scope {
  return scopes.includes(text as Scope);
}
