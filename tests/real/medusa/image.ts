import { join } from "node:path";
import postgres from "postgres";
import { freePort } from "../../support/ncc_process.ts";
import { type Account, findBinaries, unprivileged } from "../../support/postgres_binaries.ts";
import { type Cluster, makeCluster, startCluster, stopCluster } from "../../support/postgres_cluster.ts";
import { ADMIN, MedusaApi } from "./medusa_api.ts";
import { makeApp, type MedusaApp, medusaCommand, MedusaProcess } from "./medusa_process.ts";
import {
  digest,
  exists,
  makeWhole,
  medusaCache,
  type MedusaPackages,
  medusaPackages,
  run,
} from "./packages.ts";
import { type MedusaShop, seed } from "./seed.ts";

/** What a database depends on besides the versions. */
const RECIPE = ["image.ts", "seed.ts", "app/package.json", "app/medusa-config.js"];

/** The data of a PostgreSQL server with Medusa's tables and the tests' shop in it, to be copied. */
export interface SeededDatabase {
  packages: MedusaPackages;
  folder: string;
  shop: MedusaShop;
  /** Of PostgreSQL's superuser. */
  password: string;
}

/** PostgreSQL for this run, with its own folder; without data. */
export async function newCluster(): Promise<Cluster> {
  const account = await unprivileged();
  const dir = await Deno.makeTempDir({ prefix: "ncc-medusa-postgres-" });
  await own(dir, account);
  return { dir, bin: await findBinaries(binaries(), dir, account), account };
}

/** The database from the user's cache; made when it isn't there yet. Throws when it can't be had, with what is missing. */
export async function seededDatabase(): Promise<SeededDatabase> {
  const packages = await medusaPackages();
  const cluster = await newCluster();
  const folder = join(medusaCache(), `shop-${await recipe(cluster)}`);
  try {
    if (!await exists(folder)) await build(packages, cluster, folder);
  } finally {
    await Deno.remove(cluster.dir, { recursive: true });
  }
  const { shop, password } = JSON.parse(await Deno.readTextFile(join(folder, "shop.json")));
  return { packages, folder, shop, password };
}

/** Gives the server of `cluster` a copy of the database. */
export async function copyDatabase({ folder }: SeededDatabase, cluster: Cluster): Promise<void> {
  // It keeps the owner.
  await run("cp", ["-a", join(folder, "data"), cluster.dir]);
}

async function build(packages: MedusaPackages, cluster: Cluster, folder: string): Promise<void> {
  const password = crypto.randomUUID();
  await makeCluster(cluster, password);
  const url = new URL(await startCluster(cluster, password));
  const admin = postgres(url.href, { max: 1 });
  await admin`create database medusa`.finally(() => admin.end());
  url.pathname = "/medusa";
  const dir = await Deno.makeTempDir({ prefix: "ncc-medusa-" });
  let shop;
  try {
    const app = await makeApp(dir, packages, { env: { DATABASE_URL: url.href } });
    // With the tables of what it can be configured to use.
    await medusaCommand({ ...app, env: { ...app.env, MEDUSA_LOCKING: "postgres" } }, ["db:migrate"]);
    await medusaCommand(app, ["user", "-e", ADMIN.email, "-p", ADMIN.password]);
    shop = await seeded(app);
  } finally {
    await stopCluster(cluster);
    await Deno.remove(dir, { recursive: true });
  }
  await makeWhole(folder, async (part) => {
    await run("cp", ["-a", join(cluster.dir, "data"), part]);
    await Deno.writeTextFile(join(part, "shop.json"), JSON.stringify({ shop, password }, null, 2));
  });
}

/** A Medusa of its own fills the database, over its API. */
async function seeded(app: MedusaApp): Promise<MedusaShop> {
  const port = freePort();
  const api = new MedusaApi(`http://127.0.0.1:${port}`);
  const log = join(app.dir, "log");
  const medusa = new MedusaProcess(app, { port, log });
  try {
    await medusa.ready(api.url);
    return await seed(api);
  } catch (error) {
    const said = (await Deno.readTextFile(log)).slice(-3_000);
    throw new Error(`Medusa's shop can't be made: ${error}\n${said}`, { cause: error });
  } finally {
    await medusa.end();
  }
}

/** Another version of PostgreSQL can't read the data, another user mustn't. */
async function recipe({ bin, account }: Cluster): Promise<string> {
  const parts = [await run(join(bin, "postgres"), ["--version"]), String(account?.uid)];
  for (const file of RECIPE) parts.push(await Deno.readTextFile(new URL(file, import.meta.url)));
  return await digest(new TextEncoder().encode(parts.join("\n")));
}

function binaries(): "system" | "embedded" | "any" {
  const choice = Deno.env.get("NCC_TEST_POSTGRES");
  return choice === "system" || choice === "embedded" ? choice : "any";
}

async function own(dir: string, account: Account | undefined): Promise<void> {
  if (account) await Deno.chown(dir, account.uid, account.gid);
}
