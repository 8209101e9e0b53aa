/**
 * What an honest customer feels while the built-in relay is flooded: junk kind 4 and gift wraps with valid signatures come at a
 * rate, and meanwhile new customers and regulars (who have paid before) order. One ncc process, as `bench/checkouts.ts`.
 *
 * `deno run -A bench/junk.ts --seconds 30 --rate 2000 --addresses 50 --database sqlite|postgres --dir PATH --profile PATH`
 */
import { parseArgs } from "node:util";
import { loadVerifier } from "../src/nostr/verify.ts";
import { postgresDatabase } from "../tests/support/databases.ts";
import { Buyers, type Checkout } from "./buyers.ts";
import type { FloodOrder, FloodReport } from "./junk_flood.ts";
import { NccServer } from "./ncc_server.ts";
import { cpuSeconds, residentMb } from "./processes.ts";

/** Orders a second, of new customers and of regulars each. */
const ORDERS = 2;
const KEYS = 10;
/** Quiet seconds before, to compare with. */
const QUIET = 5;
/** After the flood, for what still waits. */
const PATIENCE_MS = 20_000;
const AGAIN_MS = 1_000;

/** Orders of one sort of customers, and what became of them. */
class Customers {
  readonly times: number[] = [];
  readonly #o: { buyers: Buyers; checkout: Checkout }[] = [];
  sent = 0;
  refused = 0;

  constructor(readonly name: string) {}

  add(buyers: Buyers, checkouts: Checkout[]): void {
    for (const checkout of checkouts) this.#o.push({ buyers, checkout });
  }

  /** Orders at an even pace; resolves with the answers that are still awaited. */
  async order(count: number, perSecond: number): Promise<{ checkouts: Checkout[]; all: Promise<unknown> }> {
    const began = performance.now();
    const checkouts: Checkout[] = [];
    const running: Promise<void>[] = [];
    for (let i = 0; i < count; i++) {
      await sleep(began + i * 1000 / perSecond - performance.now());
      const next = this.#o.shift();
      if (!next) throw new Error("there are too few orders");
      this.sent++;
      checkouts.push(next.checkout);
      running.push(next.buyers.buy(next.checkout));
    }
    return { checkouts, all: Promise.all(running) };
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "30" },
      rate: { type: "string", default: "2000" },
      addresses: { type: "string", default: "50" },
      connections: { type: "string", default: "50" },
      database: { type: "string", default: "sqlite" },
      dir: { type: "string", default: Deno.env.get("TMPDIR") ?? "/tmp" },
      profile: { type: "string" },
    },
  });
  const o = { ...values, seconds: Number(values.seconds), rate: Number(values.rate) };
  const load = { addresses: Number(values.addresses), connections: Number(values.connections) };
  const run = (url: string | null) => measure({ ...o, ...load, profile: values.profile ?? null, url });
  if (values.database === "postgres") {
    await using database = await postgresDatabase({ migrated: false });
    await run(database.url);
  } else await run(null);
  Deno.exit(0);
}

async function measure(
  o: {
    seconds: number;
    rate: number;
    addresses: number;
    connections: number;
    dir: string;
    profile: string | null;
    url: string | null;
  },
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "ncc-junk-", dir: o.dir });
  const server = await NccServer.start({
    NCC_DATA_DIR: dataDir,
    NCC_PORT: "0",
    ...(o.url === null ? {} : { NCC_DATABASE_URL: o.url }),
  }, o.profile);
  try {
    await server.openShop();
    const relay = `${server.url.replace(/^http/, "ws")}/relay`;
    const { thread, ready } = startFlooder({ relay, merchant: server.merchant, ...o });
    const newcomers = new Customers("new customers");
    const regulars = new Customers("regulars");
    const buyers = await gather(server, relay, { newcomers, regulars, seconds: o.seconds });
    await (await regulars.order(KEYS, 50)).all;
    say(`\n  ${o.rate} junk events a second for ${o.seconds} s, from ${o.addresses} addresses`);

    await ready;
    const before = await both([newcomers, regulars], QUIET);
    for (const one of before) say(`    quiet   ${one}`);
    const start = { rss: residentMb(server.pid), cpu: cpuSeconds(server.pid) };
    const memory: number[] = [];
    const sampling = setInterval(() => memory.push(residentMb(server.pid)), 1_000);
    const flooded = new Promise<FloodReport>((resolve) => thread.onmessage = ({ data }) => resolve(data));
    thread.postMessage("go");
    await sleep(1_000);
    const during = await both([newcomers, regulars], o.seconds - 2);
    const report = await flooded;
    const cpu = cpuSeconds(server.pid) - start.cpu;
    clearInterval(sampling);
    for (const one of during) say(`    flooded ${one}`);
    const refused = Object.entries(report.refused).map(([prefix, count]) => `${prefix} ${count}`);
    say(
      `    junk    ${report.sent} sent, ${report.accepted} accepted, refused: ${
        refused.join(", ") || "none"
      }, ` +
        `hung up on ${report.hungUp} times`,
    );
    say(
      `    ncc     ${start.rss} MB before; after each fifth of the flood ${fifths(memory)} MB; ` +
        `${(cpu / o.seconds).toFixed(2)} cores`,
    );
    for (const line of await floodFigures(server)) say(`            ${line}`);
    thread.terminate();
    for (const one of buyers) await one.close();
  } finally {
    await server.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
}

function startFlooder(order: FloodOrder): { thread: Worker; ready: Promise<void> } {
  const thread = new Worker(new URL("./junk_flood.ts", import.meta.url), { type: "module" });
  const ready = new Promise<void>((resolve) => thread.onmessage = () => resolve());
  const { relay, merchant, rate, seconds, addresses, connections } = order;
  thread.postMessage({ relay, merchant, rate, seconds, addresses, connections });
  return { thread, ready };
}

/** Both sorts of customers, connected; each regular has an order more, to be a regular by. */
async function gather(
  server: NccServer,
  relay: string,
  o: { newcomers: Customers; regulars: Customers; seconds: number },
): Promise<Buyers[]> {
  const crypto = await loadVerifier();
  const make = async (number: number) => {
    const buyers: Buyers = new Buyers({
      number,
      relay,
      merchant: server.merchant,
      envelope: "nip04",
      crypto,
      pay: (bolt11) => server.pay(bolt11),
      refused: (event) => {
        (number === 0 ? o.regulars : o.newcomers).refused++;
        setTimeout(() => buyers.send(event), AGAIN_MS);
      },
    });
    await buyers.connect();
    return buyers;
  };
  const count = (o.seconds + QUIET) * ORDERS;
  const regular = await make(0);
  const checkouts = await regular.prepare(Math.ceil(count / KEYS) + 1, orderText);
  // One customer's orders stand behind each other: the first of each come first, then the second of each.
  const times = checkouts.length / KEYS;
  o.regulars.add(regular, checkouts.map((_, i) => checkouts[(i % KEYS) * times + Math.floor(i / KEYS)]!));
  const all = [regular];
  for (let i = 0; i * KEYS < count; i++) {
    const buyers = await make(1 + i);
    o.newcomers.add(buyers, await buyers.prepare(1, orderText));
    all.push(buyers);
  }
  return all;
}

async function both(sorts: Customers[], seconds: number): Promise<string[]> {
  return await Promise.all(sorts.map(async (customers) => {
    const refused = customers.refused;
    const { checkouts, all } = await customers.order(seconds * ORDERS, ORDERS);
    await Promise.race([all, sleep(PATIENCE_MS)]);
    const answered = checkouts.filter((one) => one.requestedAt > 0).map((one) =>
      one.requestedAt - one.sentAt
    );
    return `${customers.name.padEnd(14)} order → request ${figures(answered)} · ` +
      `${checkouts.length - answered.length} of ${checkouts.length} unanswered, ` +
      `${customers.refused - refused} times sent again`;
  }));
}

async function floodFigures(server: NccServer): Promise<string[]> {
  const text = await server.metrics();
  return text.split("\n").filter((line) =>
    /^ncc_(inbox_waiting|inbox_shed|events_refused|relay_server_refused|strangers)/.test(line) &&
    !line.endsWith(" 0")
  );
}

function orderText(id: string): string {
  return JSON.stringify({
    address: "1 Example Street, Exampletown",
    message: null,
    contact: { nostr: null, email: null },
    items: [{ product_id: "lamp", quantity: 1 }],
    shipping_id: "post",
    type: 0,
    id,
  });
}

function figures(values: number[]): string {
  const sorted = values.sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.toFixed(0) ?? "-";
  return `p50 ${at(0.5)} ms · p99 ${at(0.99)} ms · max ${at(1)} ms`;
}

/** Whether it grows, or has grown. */
function fifths(samples: number[]): string {
  return [1, 2, 3, 4, 5].map((part) => samples[Math.ceil(samples.length * part / 5) - 1]).join(", ");
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
