import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The Medusa that the tests run against. */
export const VERSION = "2.21.2";
/** What stands beside Medusa's packages: who they are, and how it is set up. */
export const APP = fileURLToPath(new URL("./app/", import.meta.url));
const INSTALL_MS = 9 * 60_000;

/** Where Medusa's packages are, and the Node that runs them. */
export interface MedusaPackages {
  /** A folder with `node_modules`. */
  folder: string;
  node: string;
}

/** Whether tests against a real Medusa are switched off (`NCC_TEST_MEDUSA=off`). */
export function medusaIsOff(): boolean {
  return Deno.env.get("NCC_TEST_MEDUSA") === "off";
}

/**
 * Medusa's packages in the user's cache; installed from npm (700 MB, a minute or two) when they aren't there yet. Throws when they
 * can't be had, with what is missing.
 */
export async function medusaPackages(): Promise<MedusaPackages> {
  const node = await findNode();
  const folder = join(medusaCache(), `packages-${await digest(await Deno.readFile(`${APP}package.json`))}`);
  if (!await exists(folder)) await install(folder);
  return { folder, node };
}

/** A folder of this user that outlives test runs. */
export function medusaCache(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/tmp", ".cache");
  return join(cache, "ncc-tests", "medusa", VERSION);
}

/** The first part of a SHA-256: enough to tell two versions of a file apart. */
export async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 16);
}

/** Makes a folder by `fill` under another name first: it is there whole or not at all, also when two runs make it at once. */
export async function makeWhole(folder: string, fill: (part: string) => Promise<void>): Promise<void> {
  await Deno.mkdir(join(folder, ".."), { recursive: true });
  const part = await Deno.makeTempDir({ dir: join(folder, ".."), prefix: "part-" });
  try {
    await fill(part);
    await Deno.rename(part, folder);
  } catch (error) {
    await Deno.remove(part, { recursive: true });
    // Somebody else was quicker.
    if (!await exists(folder)) throw error;
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Runs a program to its end; what it printed. Throws with the end of what it said when it fails. */
export async function run(
  command: string,
  args: string[],
  o: Omit<Deno.CommandOptions, "args"> = {},
): Promise<string> {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, { stdin: "null", ...o, args })
      .output();
    if (success) return text(stdout);
    throw new Error(`${command} ${args.join(" ")} failed: ${(text(stdout) + text(stderr)).slice(-2_000)}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error(`${command} isn't there`, { cause: error });
    throw error;
  }
}

async function install(folder: string): Promise<void> {
  await makeWhole(folder, async (part) => {
    await Deno.copyFile(`${APP}package.json`, join(part, "package.json"));
    // None of what its packages would run after they are installed is needed.
    const args = [
      "install",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      "--no-package-lock",
      "--loglevel=error",
    ];
    await run("npm", args, { cwd: part, signal: AbortSignal.timeout(INSTALL_MS) });
  });
}

async function findNode(): Promise<string> {
  const said = await run("node", ["--version"]).catch((error) => String(error));
  const [major = 0, minor = 0] = said.match(/^v(\d+)\.(\d+)/)?.slice(1).map(Number) ?? [];
  if (major >= 23 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19)) return "node";
  throw new Error(`Medusa ${VERSION} needs Node 20.19, 22.12 or newer, with npm: ${said.trim()}`);
}
