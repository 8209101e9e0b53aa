import { join } from "node:path";

/** A program as a command with the arguments that come before its own. */
export interface Program {
  command: string;
  args: string[];
  env: Record<string, string>;
}

/** Where the real node and the real Lightning wallet are, or what is missing and how to get it. */
export type Programs = { ok: true; bitcoind: Program; electrum: Program } | { ok: false; reason: string };

/** What Debian's unstable branch has and its stable ones don't: bitcoind, and a Lightning node that speaks NIP-47. */
const PACKAGES = ["bitcoin-knots", "python3-electrum"];
/** Only its small launcher is needed; what it depends on is a desktop. */
const LAUNCHER = "electrum";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const MIRROR = "http://deb.debian.org/debian";
const PATIENCE_MS = 8 * 60_000;

/**
 * The programs of the lane: those that NCC_TEST_BITCOIND and NCC_TEST_ELECTRUM name, else the ones of Debian's packages, which
 * are fetched once and unpacked into a cache folder of this user: no root, nothing is installed. They run by their own
 * branch's loader and libraries.
 */
export async function findPrograms(): Promise<Programs> {
  const [bitcoind, electrum] = [Deno.env.get("NCC_TEST_BITCOIND"), Deno.env.get("NCC_TEST_ELECTRUM")];
  if (bitcoind && electrum) return { ok: true, bitcoind: plain(bitcoind), electrum: plain(electrum) };
  try {
    const cache = cacheFolder();
    return await programsIn(await unpacked(cache) ?? await fetchPackages(cache));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      ok: false,
      reason:
        `${reason}. It needs Debian's apt-get, dpkg-deb and debian-archive-keyring with a mirror in reach, or ` +
        "NCC_TEST_BITCOIND and NCC_TEST_ELECTRUM naming programs (bitcoind 29, Electrum 4.8)",
    };
  }
}

function plain(command: string): Program {
  return { command, args: [], env: {} };
}

function cacheFolder(): string {
  const home = Deno.env.get("HOME");
  const base = Deno.env.get("XDG_CACHE_HOME") ?? (home && join(home, ".cache"));
  if (!base) throw new Error("neither XDG_CACHE_HOME nor HOME is set");
  return join(base, "ncc-tests", "lightning");
}

/** The newest set of packages that is in the cache: unstable's versions change, and a mirror keeps no old ones. */
async function unpacked(cache: string): Promise<string | null> {
  const found: { path: string; at: number }[] = [];
  try {
    for await (const { name } of Deno.readDir(cache)) {
      if (!/^[0-9a-f]{64}$/.test(name)) continue;
      const path = join(cache, name);
      found.push({ path, at: (await Deno.stat(path)).mtime?.getTime() ?? 0 });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort((a, b) => b.at - a.at)[0]?.path ?? null;
}

/** Fetches and unpacks the packages into a folder named by the SHA-256 of all of them. */
async function fetchPackages(cache: string): Promise<string> {
  await Deno.mkdir(cache, { recursive: true });
  const work = await Deno.makeTempDir({ dir: cache, prefix: "fetching-" });
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const [archives, root] = [join(work, "cache/archives"), join(work, "root")];
    for (const dir of ["lists/partial", "cache/archives/partial", "etc", "root"]) {
      await Deno.mkdir(join(work, dir), { recursive: true });
    }
    const env = { APT_CONFIG: await aptSettings(work, await mirror()) };
    await run("apt-get", ["update", "-qq"], { env, signal });
    const install = ["install", "-y", "-qq", "--download-only", ...PACKAGES, `${LAUNCHER}-`];
    await run("apt-get", install, { env, signal });
    await run("apt-get", ["download", "-qq", `${LAUNCHER}/sid`], { env, signal, cwd: archives });
    const debs = (await Array.fromAsync(Deno.readDir(archives))).map(({ name }) => name)
      .filter((name) => name.endsWith(".deb")).sort();
    const sums: string[] = [];
    for (const deb of debs) {
      sums.push(await sha256(await Deno.readFile(join(archives, deb))));
      await run("dpkg-deb", ["-x", join(archives, deb), root], { signal });
    }
    const done = join(cache, await sha256(new TextEncoder().encode(sums.join("\n"))));
    // Somebody else may have been quicker.
    await Deno.rename(root, done).catch(() => {});
    await Deno.stat(done);
    return done;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** Settings that keep apt within `work`, and to the one branch. */
async function aptSettings(work: string, site: string): Promise<string> {
  await Deno.writeTextFile(join(work, "status"), "");
  await Deno.writeTextFile(
    join(work, "etc/sources.list"),
    `deb [signed-by=${KEYRING}] ${site} sid main\n`,
  );
  const account = (await run("id", ["-un"], {})).trim();
  const path = join(work, "apt.conf");
  const settings = {
    "Dir::State::lists": join(work, "lists"),
    "Dir::State::status": join(work, "status"),
    "Dir::Cache": join(work, "cache"),
    "Dir::Etc::sourcelist": join(work, "etc/sources.list"),
    "Dir::Etc::sourceparts": "-",
    // Mirrors that copy seldom are still signed.
    "Acquire::Check-Valid-Until": "false",
    "Acquire::Retries": "1",
    "Acquire::http::Timeout": "30",
    "APT::Install-Recommends": "false",
    "APT::Sandbox::User": account,
    "APT::Update::Error-Mode": "any",
    "Debug::NoLocking": "true",
  };
  await Deno.writeTextFile(
    path,
    Object.entries(settings).map(([key, value]) => `${key} "${value}";\n`).join(""),
  );
  return path;
}

/** The mirror of Debian that this machine is set up to use. */
async function mirror(): Promise<string> {
  const sites = await run("apt-get", ["indextargets", "--format", "$(SITE)"], {});
  return sites.split("\n").find((site) => /\/debian\/?$/.test(site)) ?? MIRROR;
}

/** Programs of a branch with libraries of its own run by its loader. */
async function programsIn(root: string): Promise<Programs> {
  const triplet = (await names(join(root, "usr/lib"))).find((name) => name.endsWith("-linux-gnu"));
  const loaders = (await Promise.all(
    ["usr/lib64", "usr/lib", `usr/lib/${triplet}`].map(async (folder) =>
      (await names(join(root, folder))).filter((name) => /^ld-linux.*\.so/.test(name)).map((name) =>
        join(root, folder, name)
      )
    ),
  )).flat();
  const python = (await names(join(root, "usr/bin"))).find((name) => /^python3\.\d+$/.test(name));
  if (!loaders[0] || !python) throw new Error(`${root} isn't complete: remove it`);
  const args = ["--library-path", join(root, "usr/lib", triplet!)];
  const program = (path: string[], env: Record<string, string> = {}): Program => ({
    command: loaders[0]!,
    args: [...args, ...path.map((name) => join(root, "usr/bin", name))],
    env,
  });
  return {
    ok: true,
    bitcoind: program(["bitcoind"]),
    electrum: program([python, "electrum"], { PYTHONHOME: join(root, "usr") }),
  };
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function run(
  command: string,
  args: string[],
  o: { env?: Record<string, string>; cwd?: string; signal?: AbortSignal },
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, ...o }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (success) return text(stdout);
  const why = text(stderr).trim().split("\n").slice(-2).join(" ").slice(0, 300);
  throw new Error(`${command} ${args[0]} failed: ${why || "no reason given"}`);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

if (import.meta.main) {
  const found = await findPrograms();
  // deno-lint-ignore no-console -- a program for people
  console.log(found.ok ? `ready: ${found.bitcoind.command}` : `not to be had: ${found.reason}`);
  Deno.exitCode = found.ok ? 0 : 1;
}
