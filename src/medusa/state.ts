import type { ClientStatus } from "./client_status.ts";
import type { MedusaReport } from "./report.ts";

export type MedusaStateName =
  | "down"
  | "slow"
  | "wrong_key"
  | "unknown_shape"
  | "no_channel"
  | "no_currency"
  | "not_set_up"
  | "oversells"
  | "no_rate"
  | "without_price"
  | "without_stock_level"
  | "conflicts"
  | "orders_waiting";

/** Something that is to be said of a merchant's Medusa. */
export interface MedusaState {
  name: MedusaStateName;
  /** It is no trouble by itself: the merchant may want to look at it. */
  ok: boolean;
  /** A sentence for the merchant: no secret, no customer's data. */
  detail: string;
}

/** All that states follow from. */
export interface MedusaFacts {
  client: ClientStatus;
  report: MedusaReport;
  /** Orders that wait for Medusa to confirm their goods. */
  ordersWaiting: number;
  /** The currency of its prices; where it can't be exchanged into sats, now and later. */
  unquoted: string | null;
}

const SLOW_MS = 2_000;
/** What keeps anything from being sold through Medusa. */
const STOPS: readonly MedusaStateName[] = [
  "down",
  "wrong_key",
  "unknown_shape",
  "no_channel",
  "no_currency",
  "not_set_up",
];

/** What is to be said of Medusa, the worst first; nothing where all is well, or nobody knows yet. */
export function medusaStates(facts: MedusaFacts): MedusaState[] {
  return [...reached(facts.client), ...setUp(facts), ...toLookAt(facts)];
}

/** Whether it can be sold through Medusa; null while nobody knows. */
export function medusaUp(client: ClientStatus, states: readonly MedusaState[]): boolean | null {
  if (states.some(({ name }) => STOPS.includes(name))) return false;
  return client.goodAt === null ? null : true;
}

/** The states in one line, and whether they are all right; `known` stands there where nothing else is to be said. */
export function summaryOf(states: readonly MedusaState[], known: string): { ok: boolean; detail: string } {
  const lines = states.map(({ name, detail }) => `${name}: ${detail}`);
  return { ok: states.every(({ ok }) => ok), detail: [known, ...lines].join("; ") };
}

function reached({ fault, odd, p50Ms }: ClientStatus): MedusaState[] {
  const states: MedusaState[] = [];
  if (fault !== null) {
    const name = fault.kind === "unauthorized" ? "wrong_key" : "down";
    states.push({ name, ok: false, detail: `${fault.message} (${new Date(fault.at).toISOString()})` });
  }
  const forbidden = odd.find(({ kind }) => kind === "unauthorized");
  if (forbidden) states.push({ name: "wrong_key", ok: false, detail: forbidden.message });
  const unread = odd.filter(({ kind }) => kind !== "unauthorized").map(({ message }) => message);
  if (unread.length > 0) {
    const detail = `it answers otherwise than Medusa 2 does (was it upgraded?): ${unread.join("; ")}`;
    states.push({ name: "unknown_shape", ok: false, detail });
  }
  if (p50Ms !== null && p50Ms > SLOW_MS) {
    const detail = `every other call takes more than ${(p50Ms / 1000).toFixed(1)} s`;
    states.push({ name: "slow", ok: false, detail });
  }
  return states;
}

function setUp({ report, unquoted }: MedusaFacts): MedusaState[] {
  const { no_channel, no_currency, problem: not_set_up, oversells } = report;
  const no_rate = unquoted === null ? null : `nobody says what a bitcoin costs in ${unquoted} (NCC_RATES)`;
  return Object.entries({ no_channel, no_currency, not_set_up, oversells, no_rate }).flatMap((
    [name, detail],
  ) => detail ? [{ name: name as MedusaStateName, ok: false, detail }] : []);
}

function toLookAt({ report, ordersWaiting }: MedusaFacts): MedusaState[] {
  const counted: [MedusaStateName, number | undefined, one: string, many: string][] = [
    [
      "without_price",
      report.without_price,
      "product has no price in the currency",
      "products have no price in the currency",
    ],
    [
      "without_stock_level",
      report.without_stock_level,
      "product has no stock level",
      "products have no stock level",
    ],
    [
      "conflicts",
      report.conflicts,
      "product was changed on both sides",
      "products were changed on both sides",
    ],
    ["orders_waiting", ordersWaiting, "order waits for its goods", "orders wait for their goods"],
  ];
  return counted.flatMap(([name, n = 0, one, many]) =>
    n === 0 ? [] : [{ name, ok: true, detail: `${n} ${n === 1 ? one : many}` }]
  );
}
