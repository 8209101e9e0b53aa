import { join } from "node:path";
import { findBinaries, unprivileged } from "./postgres_binaries.ts";
import { makeCluster, startCluster } from "./postgres_cluster.ts";

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
  const cluster = { dir, bin: await findBinaries(choice, dir, account), account };
  const password = crypto.randomUUID();
  await makeCluster(cluster, password);
  return await startCluster(cluster, password);
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
