/**
 * How long it takes to have what was missed: a relay in a process of its own has direct messages and gift wraps of the last 40
 * hours, and ncc starts. Beside it, in the same run, what their signatures alone cost.
 *
 * `deno run -A bench/catch_up.ts --events 10000 --wraps 0.25 --limit 500 --whole`
 * The intake alone, as far as the inbox; `--whole`: all of ncc, which opens and files the messages meanwhile.
 */
import { parseArgs } from "node:util";
import { bytesToHex } from "@noble/hashes/utils.js";
import { fileURLToPath } from "node:url";
import type { NostrEvent } from "@nostrify/types";
import { migrations } from "../migrations/mod.ts";
import { seconds, systemClock } from "../src/clock.ts";
import type { Database } from "../src/db/database.ts";
import { migrate } from "../src/db/migrator.ts";
import { openSqlite } from "../src/db/sqlite.ts";
import { createLog } from "../src/log.ts";
import { sealMessage } from "../src/nostr/envelope.ts";
import { Intake } from "../src/nostr/intake.ts";
import { RelayPool } from "../src/nostr/relay_pool.ts";
import { localSigner } from "../src/nostr/signer.ts";
import { type EventCrypto, loadVerifier } from "../src/nostr/verify.ts";
import { installRelaySocket } from "../src/nostr/websocket.ts";
import { buildAdmission } from "../src/policies/admission.ts";
import { systemRandom } from "../src/random.ts";
import { readSettings } from "../src/settings_reader.ts";
import { cpuSeconds, residentMb } from "./processes.ts";

const log = createLog(
  ({ level, event, fields }) => print(`${level} ${event} ${JSON.stringify(fields)}`),
  "warn",
);
const surroundings = { clock: systemClock, random: systemRandom, log };

/** Below what one customer may send in a minute. */
const EACH = 20;
const MISSED_SECONDS = 40 * 3600;
const LOOK_MS = 20;

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      events: { type: "string", default: "10000" },
      wraps: { type: "string", default: "0.25" },
      limit: { type: "string", default: "500" },
      whole: { type: "boolean", default: false },
    },
  });
  const count = Number(values.events);
  const crypto = await loadVerifier();
  const secretKey = systemRandom.bytes(32);
  const dir = await Deno.makeTempDir({ prefix: "ncc-catch-up-" });
  try {
    const events = await messages(crypto.publicKey(secretKey), count, Number(values.wraps), crypto);
    await Deno.writeTextFile(`${dir}/events`, events.map((event) => JSON.stringify(event)).join("\n"));
    signatures(crypto, events, measure(count));
    await using relay = await startRelay(`${dir}/events`, values.limit);
    await using reader = await (values.whole ? wholeReader : intakeReader)(dir, secretKey, relay.url, crypto);
    const inbox = async (state?: "new") => {
      const rows = reader.database.kysely.selectFrom("inbox").select((e) => e.fn.countAll().as("count"));
      const row = await (state ? rows.where("state", "=", state) : rows).executeTakeFirstOrThrow();
      return Number(row.count);
    };
    const report = measure(count);
    await reader.start();
    await until(reader.caughtUp);
    await until(async () => await inbox() >= count);
    report("caught up");
    if (values.whole) {
      print(`${count - await inbox("new")} of them opened by then`);
      await until(async () => await inbox("new") === 0);
      report("opened and filed");
    }
    print(`${await inbox()} rows, ${residentMb(Deno.pid)} MB`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Notes of customers, no orders: what they cost after the inbox is measured elsewhere. */
async function messages(
  merchant: string,
  count: number,
  wraps: number,
  crypto: EventCrypto,
): Promise<NostrEvent[]> {
  const signers = Array.from(
    { length: Math.ceil(count / EACH) },
    () => localSigner(systemRandom.bytes(32), crypto),
  );
  const now = seconds(Date.now());
  const events: NostrEvent[] = [];
  for (let i = 0; i < count; i++) {
    const { events: [first] } = await sealMessage(
      {
        envelope: i % 100 < wraps * 100 ? "nip17" : "nip04",
        recipient: merchant,
        content: `Is number ${i} still there? ${"I saw it in your shop and like it. ".repeat(5)}`,
        createdAt: now - Math.floor(i * MISSED_SECONDS / count),
      },
      signers[i % signers.length]!,
      systemRandom,
    );
    events.push(first!.event);
  }
  return events;
}

function signatures(crypto: EventCrypto, events: NostrEvent[], report: (what: string) => void): void {
  if (!events.every((event) => crypto.verify(event))) throw new Error("a signature doesn't hold");
  report("signatures alone");
}

async function startRelay(path: string, limit: string): Promise<{ url: string } & AsyncDisposable> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(new URL("./catch_up_relay.ts", import.meta.url)), path, limit],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the relay ended at its start");
    text += value;
  }
  return {
    url: text.trim(),
    [Symbol.asyncDispose]: async () => {
      await child.stdin.close();
      await child.status;
      await reader.cancel();
    },
  };
}

/** What reads the relay. */
interface Reader extends AsyncDisposable {
  database: Database;
  start(): Promise<unknown>;
  caughtUp(): boolean;
}

async function intakeReader(
  dir: string,
  secretKey: Uint8Array,
  url: string,
  crypto: EventCrypto,
): Promise<Reader> {
  const database = openSqlite(`${dir}/ncc.sqlite`);
  await migrate(database, migrations);
  const uninstall = installRelaySocket();
  const signer = localSigner(secretKey, crypto);
  const pool = new RelayPool({ ...surroundings, signer, verifier: crypto });
  const intake = new Intake({
    ...surroundings,
    database,
    pool,
    merchant: signer.pubkey,
    relays: [url],
    signer,
    verifier: crypto,
    admission: buildAdmission({
      ...surroundings,
      database,
      servedMerchants: () => new Set([signer.pubkey]),
      maxBytes: 65_536,
      minPow: 0,
    }),
  });
  return {
    database,
    start: () => intake.start(),
    caughtUp: () => intake.status().relays.every((relay) => relay.caughtUp),
    [Symbol.asyncDispose]: async () => {
      await intake.stop();
      await pool.close();
      uninstall();
      await database.close();
    },
  };
}

async function wholeReader(dir: string, secretKey: Uint8Array, url: string): Promise<Reader> {
  const read = readSettings({
    NCC_DATA_DIR: dir,
    NCC_PORT: "0",
    NCC_KEY: bytesToHex(secretKey),
    NCC_RELAYS: url,
  }, () => "");
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const { App } = await import("../src/app.ts");
  const app = await App.open({ ...surroundings, settings: read.settings });
  return {
    database: app.database,
    start: () => app.start(),
    caughtUp: () => app.merchants.all()[0]!.relayStatus().every((relay) => relay.caughtUp),
    [Symbol.asyncDispose]: () => app.stop(),
  };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!await holds()) await systemClock.sleep(LOOK_MS);
}

/** Starts to measure; the answer reports, with the CPU time of this process, which other load doesn't stretch as much. */
function measure(count: number): (what: string) => void {
  const began = performance.now();
  const cpu = cpuSeconds(Deno.pid);
  return (what) => {
    const took = (performance.now() - began) / 1000;
    const used = cpuSeconds(Deno.pid) - cpu;
    print(
      `${what}: ${took.toFixed(1)} s (${used.toFixed(1)} s of CPU), ${
        Math.round(count / took)
      } events a second`,
    );
  };
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
