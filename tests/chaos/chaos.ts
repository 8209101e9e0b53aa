/**
 * `deno task chaos`: sells while `ncc` is killed by SIGKILL every second. Relay, wallet, customers and ncc are processes of
 * their own with books of their own, which are compared in the end.
 *
 * `--orders N --orders-per-second N --at-once N --seconds-between-kills N --from start|ready --database sqlite|postgres
 * --drain-seconds N --honest --wallet-lists --seed N --keep`: the kills last until all have ordered; of the customers `--at-once` are there at a
 * time at most; `--from ready` counts the seconds of a life from when it is ready; `--honest` is without faults of relays and wallet
 * (`faults.ts`); `--wallet-lists`: the wallet keeps a list of what came in, as most do; `--keep` leaves data, log and books.
 */
import { parseArgs } from "node:util";
import { postgresDatabase } from "../support/databases.ts";
import { freePort, NccProcess, type NccSetup } from "../support/ncc_process.ts";
import type { Books, CustomerBook } from "./books.ts";
import type { Place } from "./customer.ts";
import { lossyRelay, lossyWallet, type RelayFaults, silentPayments } from "./faults.ts";
import { compare, count, type Findings } from "./compare.ts";
import { Child } from "./control.ts";
import type { Progress } from "./customers.ts";
import { killAgainAndAgain, type Life } from "./killer.ts";
import { openJobs, openShop, shelfFor, shelfOnRelay, shopBooks } from "./shop.ts";

interface Options {
  orders: number;
  perSecond: number;
  atOnce: number;
  everyMs: number;
  from: "start" | "ready";
  drainMs: number;
  database: "sqlite" | "postgres";
  honest: boolean;
  seed: number;
  keep: boolean;
  /** The wallet keeps a list of what came in. */
  walletLists: boolean;
}

const READY_MS = 30_000;

if (import.meta.main) {
  const options = optionsFrom(Deno.args);
  await using database = options.database === "postgres" ? await postgresDatabase({ migrated: false }) : null;
  const dataDir = await Deno.makeTempDir({ prefix: "ncc-chaos-" });
  const found = await play(options, dataDir, database?.url ?? null);
  const bad = count(found);
  if (bad > 0 || options.keep) say(`  data and log: ${dataDir}`);
  else await Deno.remove(dataDir, { recursive: true });
  await database?.[Symbol.asyncDispose]();
  Deno.exit(bad === 0 ? 0 : 1);
}

function optionsFrom(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      orders: { type: "string", default: "10000" },
      "orders-per-second": { type: "string", default: "10" },
      "seconds-between-kills": { type: "string", default: "1" },
      from: { type: "string", default: "ready" },
      "at-once": { type: "string", default: "1000" },
      "drain-seconds": { type: "string" },
      database: { type: "string", default: "sqlite" },
      honest: { type: "boolean", default: false },
      "wallet-lists": { type: "boolean", default: false },
      seed: { type: "string", default: "1" },
      keep: { type: "boolean", default: false },
    },
  });
  if (values.database !== "sqlite" && values.database !== "postgres") {
    throw new Error(`--database ${values.database}: expected sqlite or postgres`);
  }
  const orders = Number(values.orders);
  return {
    orders,
    perSecond: Number(values["orders-per-second"]),
    atOnce: Number(values["at-once"]),
    everyMs: Number(values["seconds-between-kills"]) * 1000,
    from: values.from === "ready" ? "ready" : "start",
    drainMs: Number(values["drain-seconds"] ?? 300 + orders * 0.3) * 1000,
    database: values.database,
    honest: values.honest,
    walletLists: values["wallet-lists"],
    seed: Number(values.seed),
    keep: values.keep,
  };
}

/** Sets the scene, lets everybody act, and compares the books. */
async function play(o: Options, dataDir: string, databaseUrl: string | null): Promise<Findings> {
  const scene = await setScene(o);
  const { relays, wallet } = scene;
  const { url: walletUrl } = await wallet.get<{ url: string }>("/url");
  const setup: NccSetup = {
    dataDir,
    port: freePort(),
    settings: {
      NCC_RELAYS: relays.map((relay) => relay.url).join(","),
      NCC_WALLET: walletUrl.replace(
        encodeURIComponent(scene.walletRelay.honest),
        encodeURIComponent(scene.walletRelay.url),
      ),
      // Whoever doesn't pay keeps the goods until the books are compared.
      NCC_INVOICE_EXPIRY: "6h",
      // Nobody here has paid before: what is scarce is sold to who comes first.
      NCC_MAX_HELD_SHARE: "1",
      ...(databaseUrl === null ? {} : { NCC_DATABASE_URL: databaseUrl }),
    },
  };
  let ncc = new NccProcess(setup);
  try {
    await mustBeReady(ncc);
    const shelf = shelfFor(o.orders);
    const merchant = await openShop(ncc, shelf);
    await until(READY_MS, async () => (await shelfOnRelays(relays, merchant)).size === shelf.length);
    say(
      `\n  ${o.orders} orders, ${o.perSecond} a second, ${o.database}, a kill ${
        o.everyMs / 1000
      } s after each ${o.from}\n`,
    );

    const places = relays.map(({ url, honest }): Omit<Place, "door" | "longestAwayMs"> => ({
      relay: url,
      honest: o.honest ? null : honest,
      merchant,
      wallet: wallet.url,
    }));
    const script = { places, orders: o.orders, perSecond: o.perSecond, atOnce: o.atOnce };
    const customers = await Child.start("./customers.ts", [JSON.stringify(script)]);
    const progress = () => customers.get<Progress>("/progress");
    const began = performance.now();
    const lives = await killAgainAndAgain(setup, ncc, {
      everyMs: o.everyMs,
      from: o.from,
      over: async () => (await progress()).ordered === o.orders,
    });
    const killedMs = performance.now() - began;
    const atLastKill = await progress();
    ncc = new NccProcess(setup);
    await mustBeReady(ncc);
    const drained = await until(o.drainMs, async () => (await progress()).done === o.orders);
    await until(o.honest ? 10_000 : 60_000, async () => await openJobs(ncc) === 0);
    const drainMs = performance.now() - began - killedMs;
    await customers.post("/read-again", {});

    const books: Books = {
      customers: await customers.get<CustomerBook[]>("/books"),
      wallet: await wallet.get("/books"),
      shelf,
      shop: await shopBooks(ncc),
      relay: await shelfOnRelays(relays, merchant),
    };
    const found = compare(books);
    const { problems } = await progress();
    found.leftOver.push(...problems);
    report({ books, found, lives, killedMs, drainMs, drained, atLastKill });
    await Deno.writeTextFile(
      `${dataDir}/books.json`,
      JSON.stringify({ ...books, relay: [...books.relay] }, null, 1),
    );
    await customers.stop();
    return found;
  } finally {
    await ncc.end("SIGKILL");
    for (const child of scene.children) await child.stop();
  }
}

/** A relay as everybody sees it, and the honest one behind it. */
interface SceneRelay {
  url: string;
  honest: string;
}

/** Two relays, and a wallet with one of its own: lossy ones, unless all are honest. */
async function setScene(o: Options): Promise<
  { relays: SceneRelay[]; walletRelay: SceneRelay; wallet: Child; children: Child[] }
> {
  const children: Child[] = [];
  const start = async (module: string, args: string[]) => {
    const child = await Child.start(module, args);
    children.unshift(child);
    return child;
  };
  const relay = async (n: number, faults: RelayFaults): Promise<SceneRelay> => {
    const { url: honest } = await start("./relay.ts", []);
    if (o.honest) return { url: honest, honest };
    const { url } = await start("./lossy_relay.ts", [
      honest,
      String(o.seed * 10 + n),
      JSON.stringify(faults),
    ]);
    return { url, honest };
  };
  const relays = [await relay(1, lossyRelay), await relay(2, lossyRelay)];
  const walletRelay = await relay(3, lossyWallet);
  const wallet = await start("./wallet.ts", [
    walletRelay.honest,
    String(o.honest ? 0 : silentPayments),
    ...(o.walletLists ? ["lists"] : []),
  ]);
  return { relays, walletRelay, wallet, children };
}

/** The quantities that the relays show, not a number where they differ. */
async function shelfOnRelays(relays: SceneRelay[], merchant: string): Promise<Map<string, number | null>> {
  const shelves = await Promise.all(relays.map(({ honest }) => shelfOnRelay(honest, merchant)));
  const merged = new Map<string, number | null>();
  for (const [id, quantity] of shelves.flatMap((shelf) => [...shelf])) {
    const known = merged.get(id);
    if (known !== undefined && known !== quantity) merged.set(id, Number.NaN);
    else merged.set(id, quantity);
  }
  return merged;
}

async function mustBeReady(ncc: NccProcess): Promise<void> {
  if (await ncc.ready(READY_MS) === null) throw new Error("ncc isn't ready");
}

function report(o: {
  books: Books;
  found: Findings;
  lives: Life[];
  killedMs: number;
  drainMs: number;
  drained: boolean;
  atLastKill: Progress;
}): void {
  const { customers, shop, wallet } = o.books;
  const restarts = o.lives.flatMap((life) => life.readyAfterMs === null ? [] : [life.readyAfterMs]);
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  const paid = customers.filter((book) => book.paid !== null).length;
  const msat = wallet.reduce((sum, entry) => sum + (entry.settledAt === null ? 0 : entry.amountMsat), 0);
  say(`  kills          ${o.lives.length + 1} in ${seconds(o.killedMs)} s`);
  say(
    `  restart→ready  min ${spread(restarts, 0)} · median ${spread(restarts, 0.5)} · max ${
      spread(restarts, 1)
    } ms (${restarts.length} of ${o.lives.length} lives became ready)`,
  );
  say(`  at last kill   ${o.atLastKill.answered} answered, ${o.atLastKill.done} done`);
  say(`  drained        ${o.drained ? `in ${seconds(o.drainMs)} s` : `NOT within ${seconds(o.drainMs)} s`}`);
  say(
    `  orders         ${customers.length} sent (${
      customers.filter((book) => book.sent > 1).length
    } twice), ` +
      `${customers.filter((book) => book.refusals.length > 0).length} refused, ${paid} paid, ` +
      `${customers.filter((book) => book.toldPaid > 0).length} told so`,
  );
  say(`  money          ${msat / 1000} sat in the wallet, ${shop.payments.length} payments in the shop`);
  for (
    const [what, times] of [
      ["answered after", customers.map((book) => book.answeredAfterMs)],
      ["told after", customers.map((book) => book.toldAfterMs)],
    ] as const
  ) {
    const known = times.filter((ms) => ms !== null);
    say(
      `  ${what.padEnd(14)} median ${spread(known, 0.5)} · p99 ${spread(known, 0.99)} · max ${
        spread(known, 1)
      } ms`,
    );
  }
  say("");
  for (const [name, entries] of Object.entries(o.found) as [string, string[]][]) {
    say(`  ${entries.length === 0 ? "✓" : "✗"} ${name.padEnd(15)} ${entries.length}`);
    for (const entry of entries.slice(0, 10)) say(`      ${entry}`);
  }
}

/** The value below which this share of the values lies. */
function spread(values: readonly number[], share: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return value === undefined ? "–" : String(Math.round(value));
}

/** True as soon as it holds; false when it doesn't in time. */
async function until(ms: number, holds: () => Promise<boolean>): Promise<boolean> {
  for (const end = performance.now() + ms; performance.now() < end;) {
    if (await holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return false;
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
