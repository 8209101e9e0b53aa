/**
 * The customers, as a process of their own. Argument: JSON `{ places, orders, perSecond, atOnce }`; customers are spread over the places. `GET /progress`, `POST /read-again`,
 * `GET /books`.
 */
import { Customer, type Place } from "./customer.ts";
import { answer, parentGone } from "./control.ts";
import { Door } from "./door.ts";
import { planOrders } from "./shop.ts";

/** How far the customers are. */
export interface Progress {
  orders: number;
  ordered: number;
  answered: number;
  done: number;
  problems: string[];
}

interface Script {
  places: Omit<Place, "door" | "longestAwayMs">[];
  orders: number;
  perSecond: number;
  /** So many are at the checkout at most; the next one comes in when somebody goes. */
  atOnce: number;
}

/** All together come back about 30 times a second. */
const AWAY_EACH_MS = 30;
const LEAST_AWAY_MS = 20_000;
/** Connections that are opened at once to read everything again. */
const READING = 20;

if (import.meta.main) {
  const { places, orders, perSecond, atOnce } = JSON.parse(Deno.args[0]!) as Script;
  const door = new Door(atOnce);
  const longestAwayMs = Math.max(LEAST_AWAY_MS, orders * AWAY_EACH_MS);
  const customers = planOrders(orders).map((plan, i) =>
    new Customer(plan, { ...places[i % places.length]!, door, longestAwayMs })
  );
  const problems: string[] = [];
  const start = (customer: Customer) =>
    customer.run().catch((error) => problems.push(error instanceof Error ? error.message : String(error)));
  answer({
    "GET /progress": (): Progress => ({
      orders: customers.length,
      ordered: customers.filter((customer) => customer.ordered).length,
      answered: customers.filter((customer) => customer.answered).length,
      done: customers.filter((customer) => customer.done).length,
      problems,
    }),
    "GET /books": () => customers.map((customer) => customer.book()),
    "POST /read-again": () => readAgain(customers),
  });
  const began = performance.now();
  let next = 0;
  const timer = setInterval(() => {
    const due = Math.min(customers.length, Math.ceil((performance.now() - began) / 1000 * perSecond));
    while (next < due) void start(customers[next++]!);
    if (next === customers.length) clearInterval(timer);
  }, 20);
  await parentGone();
  Deno.exit(0);
}

async function readAgain(customers: readonly Customer[]): Promise<void> {
  const left = [...customers];
  await Promise.all(Array.from({ length: READING }, async () => {
    for (let one = left.pop(); one; one = left.pop()) await one.readAgain();
  }));
}
