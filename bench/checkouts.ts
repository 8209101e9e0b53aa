/**
 * `deno task bench`: complete checkouts a second. An order comes in by direct message over the built-in relay, the payment request goes
 * out, it is paid, and "paid" goes out. One ncc process; the customers are this process, with orders signed beforehand.
 *
 * `--envelope nip04|nip17 --database sqlite|postgres|both --checkouts N --at-once N --dir PATH --profile PATH`
 */
import { parseArgs } from "node:util";
import { loadVerifier } from "../src/nostr/verify.ts";
import { postgresDatabase } from "../tests/support/databases.ts";
import { Buyers, type Checkout } from "./buyers.ts";
import { NccServer } from "./ncc_server.ts";
import { orderText } from "./order_text.ts";
import { cpuSeconds, machineSeconds, residentMb } from "./processes.ts";

interface Options {
  envelope: "nip04" | "nip17";
  checkouts: number;
  atOnce: number;
  dir: string;
  /** Where ncc's CPU profile is written. */
  profile: string | null;
}

/** Orders of one customer; NIP-17's connections are worth more than one. */
const TIMES = { nip04: 1, nip17: 5 };
const KEYS = 10;
const WARM_UP = 0.2;
/** Of the throughput, for the latency. */
const LIGHT = 1 / 3;
const LIGHT_SECONDS = 10;

if (import.meta.main) {
  say(
    `  yardstick        ${await yardstick()} signatures checked a second on one core of this machine (WASM)`,
  );
  const { values } = parseArgs({
    options: {
      envelope: { type: "string", default: "nip04" },
      database: { type: "string", default: "both" },
      checkouts: { type: "string", default: "3000" },
      "at-once": { type: "string", default: "50" },
      dir: { type: "string", default: Deno.env.get("TMPDIR") ?? "/tmp" },
      profile: { type: "string" },
    },
  });
  const options: Options = {
    envelope: values.envelope === "nip17" ? "nip17" : "nip04",
    checkouts: Number(values.checkouts),
    atOnce: Number(values["at-once"]),
    dir: values.dir,
    profile: values.profile ?? null,
  };
  if (values.database !== "postgres") await measure("SQLite, synchronous=FULL", options, null);
  if (values.database !== "sqlite") {
    await using database = await postgresDatabase({ migrated: false });
    await measure("PostgreSQL on this machine, fsync off", options, database.url);
  }
  Deno.exit(0);
}

async function measure(name: string, o: Options, databaseUrl: string | null): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "ncc-bench-", dir: o.dir });
  const server = await NccServer.start({
    NCC_DATA_DIR: dataDir,
    NCC_PORT: "0",
    NCC_DM_RATE: "1000/s",
    NCC_MAX_OPEN_ORDERS: "1000",
    ...(databaseUrl === null ? {} : { NCC_DATABASE_URL: databaseUrl }),
  }, o.profile);
  try {
    await server.openShop();
    const buyers = await gather(server, o);
    const all: [Buyers, Checkout][] = [];
    for (const one of buyers) {
      for (const checkout of await one.prepare(TIMES[o.envelope], orderText)) all.push([one, checkout]);
    }
    shuffle(all);
    say(`\n  ${name} · ${o.envelope} · ${buyers.length * KEYS} customers, ${o.atOnce} checkouts at once`);

    const warm = all.splice(0, Math.ceil(all.length * WARM_UP));
    await throughput(warm, o.atOnce);
    const light = all.splice(0, Math.ceil(all.length / 4));
    const before = {
      at: performance.now(),
      ncc: cpuSeconds(server.pid),
      machine: machineSeconds(),
      own: own(),
    };
    await throughput(all, o.atOnce);
    const seconds = (performance.now() - before.at) / 1000;
    const rate = all.length / seconds;
    const ncc = cpuSeconds(server.pid) - before.ncc;
    const share = (cpu: number) => `${(cpu / seconds).toFixed(2)} cores`;
    say(`    throughput       ${rate.toFixed(0)} checkouts/s (${all.length} in ${seconds.toFixed(1)} s)`);
    say(
      `    CPU              ncc ${share(ncc)} (${(ncc / all.length * 1000).toFixed(1)} ms a checkout), load ${
        share(own() - before.own)
      }, ` +
        `whole machine ${share(machineSeconds() - before.machine)} of ${navigator.hardwareConcurrency}`,
    );
    say(`    order → request  under full load: ${times(all.map(([, one]) => one.requestedAt - one.sentAt))}`);

    const perSecond = rate * LIGHT;
    const some = light.slice(0, Math.ceil(perSecond * LIGHT_SECONDS));
    await steadily(some, perSecond);
    say(
      `    order → request  at ${perSecond.toFixed(0)}/s: ${
        times(some.map(([, one]) => one.requestedAt - one.sentAt))
      }`,
    );
    say(
      `    paid → told      at ${perSecond.toFixed(0)}/s: ${
        times(some.map(([, one]) => one.toldAt - one.requestedAt))
      }`,
    );
    say(`    memory           ${residentMb(server.pid)} MB`);
    for (const one of buyers) await one.close();
  } finally {
    await server.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** The customers, connected. */
async function gather(server: NccServer, o: Options): Promise<Buyers[]> {
  const crypto = await loadVerifier();
  const count = Math.ceil(o.checkouts / KEYS / TIMES[o.envelope]);
  const buyers = Array.from({ length: count }, (_, number) =>
    new Buyers({
      number,
      relay: `${server.url.replace(/^http/, "ws")}/relay`,
      merchant: server.merchant,
      envelope: o.envelope,
      crypto,
      pay: (bolt11) => server.pay(bolt11),
    }));
  for (const one of buyers) await one.connect();
  return buyers;
}

/** As fast as it goes, so many at once. */
async function throughput(all: readonly [Buyers, Checkout][], atOnce: number): Promise<void> {
  const left = [...all];
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let next = left.pop(); next; next = left.pop()) await next[0].buy(next[1]);
  }));
}

/** So many a second, whether or not the earlier ones are through. */
async function steadily(all: readonly [Buyers, Checkout][], perSecond: number): Promise<void> {
  const began = performance.now();
  const running: Promise<void>[] = [];
  for (const [i, [buyers, checkout]] of all.entries()) {
    const wait = began + i * 1000 / perSecond - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    running.push(buyers.buy(checkout));
  }
  await Promise.all(running);
}

/** So that one customer's orders don't follow each other. */
function shuffle<T>(items: T[]): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
}

function times(values: number[]): string {
  const sorted = values.sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(1);
  return `p50 ${at(0.5)} ms · p99 ${at(0.99)} ms · max ${at(1)} ms`;
}

function own(): number {
  return cpuSeconds(Deno.pid);
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** Machines differ: how fast this one checks signatures, to compare figures by. */
async function yardstick(): Promise<number> {
  const crypto = await loadVerifier();
  const template = { kind: 1, created_at: 0, tags: [], content: "yardstick" };
  const event = crypto.sign(template, new Uint8Array(32).fill(7));
  const check = (times: number) => {
    for (let i = 0; i < times; i++) crypto.verify(event);
  };
  check(200);
  const began = performance.now();
  check(1_000);
  return Math.round(1_000_000 / (performance.now() - began));
}
