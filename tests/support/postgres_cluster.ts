import { join } from "node:path";
import postgres from "postgres";
import type { Account } from "./postgres_binaries.ts";

const START_MS = 60_000;
const STOP_MS = 60_000;

/** A PostgreSQL server of the tests: its data, its log and its programs are within a folder, or its programs the system's. */
export interface Cluster {
  /** Belongs to `account`. It is removed when the process that started the server is gone. */
  dir: string;
  /** The folder of `initdb` and `postgres`. */
  bin: string;
  account: Account | undefined;
}

/** Makes the data of a server without databases of its own; its superuser is `postgres`. */
export async function makeCluster({ dir, bin, account }: Cluster, password: string): Promise<void> {
  await Deno.writeTextFile(join(dir, "password"), password, { mode: 0o644 });
  const made = await new Deno.Command(join(bin, "initdb"), {
    cwd: dir,
    env: { LC_ALL: "C" },
    ...account,
    args: [
      ...[
        "-D",
        join(dir, "data"),
        "-U",
        "postgres",
        // SCRAM would cost each of the thousands of connections as much as a small test.
        "--auth=md5",
        `--pwfile=${join(dir, "password")}`,
      ],
      ...["--encoding=UTF8", "--locale=C", "--no-sync"],
    ],
  }).output();
  if (!made.success) throw new Error(`initdb failed: ${new TextDecoder().decode(made.stderr)}`);
  await Deno.remove(join(dir, "password"));
}

/** Starts the server; the URL of its database `postgres`. It ends when this process does, however that ends. */
export async function startCluster({ dir, bin, account }: Cluster, password: string): Promise<string> {
  const port = freePort();
  const keeper = await new Deno.Command("sh", {
    cwd: dir,
    env: { LC_ALL: "C" },
    ...account,
    args: ["-c", KEEPER, "keeper", join(bin, "postgres"), dir, String(port), String(Deno.pid)],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  if (!keeper.success) throw new Error("sh failed");

  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  for (const end = Date.now() + START_MS;; await pause(50)) {
    const refusal = await tryConnection(url);
    if (refusal === undefined) return url;
    const log = await Deno.readTextFile(join(dir, "log")).catch(() => "");
    if (Date.now() > end || log.includes("FATAL:  could not")) {
      throw new Error(`${refusal}; its log says: ${log}`);
    }
  }
}

/** Ends the server before its time; everything is in its data then. */
export async function stopCluster({ dir }: Cluster): Promise<void> {
  const pidFile = join(dir, "data", "postmaster.pid");
  const pid = await firstLine(pidFile);
  if (pid !== null) Deno.kill(Number(pid), "SIGINT");
  for (const end = Date.now() + STOP_MS; await firstLine(pidFile) !== null; await pause(20)) {
    if (Date.now() > end) throw new Error(`PostgreSQL in ${dir} doesn't end`);
  }
}

/**
 * Leaves a shell in the background that runs PostgreSQL and, when the tests' process is gone, ends it and removes its
 * folder. Tests have nothing to lose in a power cut: nothing is synced.
 */
const KEEPER = `
program=$1 dir=$2 port=$3 owner=$4
gone() {
  if [ -d /proc/self ]; then ! [ -d "/proc/$owner" ] || grep -q '^State:.*Z' "/proc/$owner/status"
  else ! kill -0 "$owner"
  fi
}
(
  trap '' INT HUP
  trap : TERM
  "$program" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off -c wal_level=minimal -c max_wal_senders=0 \
    -c max_connections=300 -c shared_buffers=64MB >"$dir/log" 2>&1 &
  server=$!
  while ! gone && kill -0 $server; do sleep 1; done
  while kill -QUIT $server; do sleep 0.2; done
  until gone; do sleep 1; done
  rm -rf "$dir"
) &
`;

async function tryConnection(url: string): Promise<string | undefined> {
  const admin = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    await admin`select 1`;
    return undefined;
  } catch (error) {
    return String(error);
  } finally {
    await admin.end();
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function firstLine(path: string): Promise<string | null> {
  try {
    return (await Deno.readTextFile(path)).split("\n")[0]!;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
