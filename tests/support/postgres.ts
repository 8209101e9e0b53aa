import { join } from "node:path";
import postgres from "postgres";
import { findBinaries, unprivileged } from "./postgres_binaries.ts";

const START_MS = 60_000;

/**
 * The URL of a PostgreSQL server for this test run, started when first asked for. All files of one `deno test` share it,
 * and it ends, with its folder, when that process does, however it ends.
 *
 * `NCC_TEST_POSTGRES` chooses: `system`, `embedded` or `off`. Unset: the system's, else the embedded one.
 */
export async function testPostgres(): Promise<string> {
  const choice = Deno.env.get("NCC_TEST_POSTGRES") ?? "any";
  if (choice !== "any" && choice !== "system" && choice !== "embedded") {
    throw new Error(`NCC_TEST_POSTGRES=${choice}: expected system, embedded or off`);
  }
  const dir = join(Deno.env.get("TMPDIR") ?? "/tmp", `ncc-test-postgres-${Deno.pid}-${await started()}`);
  try {
    await Deno.mkdir(dir, { mode: 0o755 });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return await urlOfOther(dir);
    throw error;
  }
  try {
    const url = await start(choice, dir);
    await writeWhole(join(dir, "url"), url);
    return url;
  } catch (error) {
    await writeWhole(join(dir, "failed"), String(error));
    throw error;
  }
}

/** Whether tests on PostgreSQL are switched off (`NCC_TEST_POSTGRES=off`). */
export function postgresIsOff(): boolean {
  return Deno.env.get("NCC_TEST_POSTGRES") === "off";
}

/** Another test file of this run starts the server: waits for it. */
async function urlOfOther(dir: string): Promise<string> {
  for (const end = Date.now() + START_MS; Date.now() < end; await pause(20)) {
    const url = await read(join(dir, "url"));
    if (url !== undefined) return url;
    const failed = await read(join(dir, "failed"));
    if (failed !== undefined) throw new Error(`PostgreSQL for tests didn't start: ${failed}`);
  }
  throw new Error(
    `PostgreSQL for tests didn't start in ${START_MS / 1000} s: see ${dir}/log, then remove ${dir}`,
  );
}

async function start(choice: "any" | "system" | "embedded", dir: string): Promise<string> {
  const account = await unprivileged();
  if (account) await Deno.chown(dir, account.uid, account.gid);
  const bin = await findBinaries(choice, dir, account);
  const password = crypto.randomUUID();
  await Deno.writeTextFile(join(dir, "password"), password, { mode: 0o644 });
  const common = { cwd: dir, env: { LC_ALL: "C" }, ...account };
  const made = await new Deno.Command(join(bin, "initdb"), {
    ...common,
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

  const port = freePort();
  const keeper = await new Deno.Command("sh", {
    ...common,
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
    const log = await read(join(dir, "log")) ?? "";
    if (Date.now() > end || log.includes("FATAL:  could not")) {
      throw new Error(`${refusal}; its log says: ${log}`);
    }
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

/** When this process started: its id alone may have been another's before. */
async function started(): Promise<string> {
  const stat = await read("/proc/self/stat");
  return stat?.slice(stat.lastIndexOf(")")).split(" ")[20] ?? "0";
}

async function writeWhole(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.part`, text, { mode: 0o600 });
  await Deno.rename(`${path}.part`, path);
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
