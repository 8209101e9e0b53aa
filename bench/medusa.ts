/**
 * `deno task bench:medusa`: how fast a real Medusa's shop sells on Nostr, beside its own checkout on the web, and how long it takes
 * to read its catalogue. Medusa, its PostgreSQL, ncc and the customers share this machine.
 *
 * `--orders N --at-once N --products N`: with products, those are made first (which takes Medusa minutes) and read twice.
 */
import { parseArgs } from "node:util";
import { type MedusaServer, startMedusa } from "../tests/real/medusa/medusa_server.ts";
import { TwoDoors, webCheckout } from "../tests/real/medusa/two_doors.ts";
import { lightningLink, type Shopper } from "../tests/support/shopper.ts";
import { fillShop } from "./medusa_goods.ts";

interface Options {
  orders: number;
  atOnce: number;
}

const SKU = "MUG";

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      orders: { type: "string", default: "60" },
      "at-once": { type: "string", default: "10" },
      products: { type: "string", default: "0" },
    },
  });
  const options = { orders: Number(values.orders), atOnce: Number(values["at-once"]) };
  const products = Number(values.products);
  await using medusa = await startMedusa();
  if (products > 0) await readCatalogue(medusa, products);
  else await sell(medusa, options);
}

async function sell(medusa: MedusaServer, o: Options): Promise<void> {
  const { inventoryItems, location } = medusa.shop;
  await medusa.call("POST", `/admin/inventory-items/${inventoryItems[SKU]}/location-levels/${location}`, {
    stocked_quantity: 100_000,
  });
  say(`  ${o.orders} orders each, ${o.atOnce} at once`);
  // Medusa compiles what it needs when it first needs it.
  await inParallel(5, 2, () => webCheckout(medusa, SKU));
  await measure("web: Medusa's own checkout, until the order is there", o, async () => {
    if (!await webCheckout(medusa, SKU)) throw new Error("the web shop refused an order");
  });
  for (const authority of ["medusa", "local"]) await sellOnNostr(medusa, authority, o);
  await measure("web once more", o, async () => void await webCheckout(medusa, SKU));
}

async function sellOnNostr(medusa: MedusaServer, authority: string, o: Options): Promise<void> {
  await using doors = await TwoDoors.open(medusa, { NCC_MEDUSA_STOCK: authority });
  const before = (await doors.theirs()).length;
  const customers: Shopper[] = [];
  for (let n = 0; n < o.orders + 5; n++) customers.push(await doors.customer());
  const order = async () => {
    const customer = customers.pop()!;
    await doors.order(customer, "order");
    const answer = await doors.answer(customer, "order");
    if (lightningLink(answer) === undefined) throw new Error(`no invoice: ${answer.message}`);
    await customer.close();
  };
  await inParallel(5, 2, order);
  const began = performance.now();
  await measure(`Nostr, NCC_MEDUSA_STOCK=${authority}, until the customer has the invoice`, o, order);
  if (authority === "medusa") return;
  while ((await doors.theirs()).length < before + o.orders + 5) await pause(200);
  const seconds = (performance.now() - began) / 1000;
  say(
    `    all of them in Medusa after ${seconds.toFixed(1)} s (${(o.orders / seconds).toFixed(1)} a second)`,
  );
}

async function measure(what: string, { orders, atOnce }: Options, one: () => Promise<void>): Promise<void> {
  const began = performance.now();
  const took = (await inParallel(orders, atOnce, async () => {
    const start = performance.now();
    await one();
    return performance.now() - start;
  })).sort((a, b) => a - b);
  const seconds = (performance.now() - began) / 1000;
  const at = (share: number) => (took[Math.floor(share * (took.length - 1))]! / 1000).toFixed(2);
  say(`  ${what}`);
  say(`    ${(orders / seconds).toFixed(1)} a second; p50 ${at(0.5)} s, p95 ${at(0.95)} s`);
}

async function readCatalogue(medusa: MedusaServer, products: number): Promise<void> {
  const began = performance.now();
  await fillShop(medusa, products);
  say(`  Medusa makes ${products} products in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  // Its euro regions have three groups of countries that are taxed alike, its dollar region one.
  for (const currency of ["EUR", "USD"]) {
    await using doors = await TwoDoors.open(medusa, { NCC_MEDUSA_CURRENCY: currency });
    const first = await swept(doors, `${currency}: the first sweep`, null);
    await doors.ncc.call("POST", "/medusa/sweep");
    await swept(doors, `${currency}: the next one, with nothing new`, first);
  }
}

interface Report {
  sweep_ended_at: string | null;
  sweep: Record<"seen" | "made" | "unchanged" | "seconds" | "waited", number> | null;
}

/** Waits until a sweep has ended after that one. */
async function swept(doors: TwoDoors, what: string, after: string | null): Promise<string> {
  for (;;) {
    const { sweep, sweep_ended_at } = await doors.ncc.call<Report>("GET", "/medusa");
    if (sweep !== null && sweep_ended_at !== null && sweep_ended_at !== after) {
      const { seen, made, unchanged, seconds, waited } = sweep;
      say(`  ${what}: ${seconds} s, of which ${waited} s waiting for Medusa`);
      say(`    ${seen} products seen, ${made} made, ${unchanged} unchanged`);
      return sweep_ended_at;
    }
    await pause(500);
  }
}

/** Does it so often, `atOnce` at a time. */
async function inParallel<T>(times: number, atOnce: number, one: () => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  let begun = 0;
  await Promise.all(Array.from({ length: Math.min(times, atOnce) }, async () => {
    while (begun++ < times) done.push(await one());
  }));
  return done;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
