import { join } from "node:path";
import { APP, type MedusaPackages } from "./packages.ts";

const START_MS = 180_000;
const LOOK_MS = 50;
const END_MS = 20_000;
const CLI = "node_modules/@medusajs/cli/cli.js";

/** A folder that Medusa runs in, and with which environment. */
export interface MedusaApp {
  dir: string;
  node: string;
  env: Record<string, string>;
}

/**
 * Makes the folder that Medusa runs in: the tests' configuration beside its packages and, when `plugin` names the folder of a package,
 * a copy of that among them, as npm would install it.
 */
export async function makeApp(
  dir: string,
  { folder, node }: MedusaPackages,
  o: { env: Record<string, string>; plugin?: string },
): Promise<MedusaApp> {
  const modules = join(dir, "node_modules");
  await Deno.mkdir(modules, { recursive: true });
  for await (const { name } of Deno.readDir(APP)) await Deno.copyFile(APP + name, join(dir, name));
  for await (const { name } of Deno.readDir(join(folder, "node_modules"))) {
    await Deno.symlink(join(folder, "node_modules", name), join(modules, name));
  }
  // Else each of its processes leaves another behind when it ends, which sends what it has counted.
  const config = join(dir, ".config", "medusa");
  await Deno.mkdir(config, { recursive: true });
  await Deno.writeTextFile(join(config, "config.json"), JSON.stringify({ telemetry: { enabled: false } }));
  const env = {
    PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
    HOME: dir,
    NO_COLOR: "1",
    // Without it, it doesn't want its secrets named and loads TypeScript.
    NODE_ENV: "production",
    MEDUSA_DISABLE_TELEMETRY: "true",
    JWT_SECRET: "tests-jwt",
    COOKIE_SECRET: "tests-cookie",
    ...(o.plugin !== undefined && { NCC_PLUGIN: await copyPlugin(o.plugin, modules) }),
    ...o.env,
  };
  return { dir, node, env };
}

/** Runs one of Medusa's commands to its end. Throws with what it said when it fails. */
export async function medusaCommand(app: MedusaApp, args: string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(app.node, {
    args: [CLI, ...args],
    cwd: app.dir,
    clearEnv: true,
    env: app.env,
    stdin: "null",
  }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (!success) throw new Error(`medusa ${args[0]} failed: ${said.slice(-3_000)}`);
}

/** One process of Medusa's server; it ends with the process that started it. */
export class MedusaProcess {
  readonly #child: Deno.ChildProcess;
  #ended = false;

  /** What it says is added to `log`. */
  constructor(app: MedusaApp, o: { port: number; log: string }) {
    this.#child = new Deno.Command("sh", {
      args: [
        ...["-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "medusa", o.log],
        ...[app.node, "--require", "./end_with_tests.js", CLI],
        ...["start", "--host", "127.0.0.1", "--port", String(o.port), "--types=false"],
      ],
      cwd: app.dir,
      clearEnv: true,
      env: app.env,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    void this.#child.status.then(() => this.#ended = true);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves when it answers. Throws when it ends before, or takes minutes. */
  async ready(url: string): Promise<void> {
    for (const end = Date.now() + START_MS; Date.now() < end && !this.#ended;) {
      const up = await fetch(`${url}/health`).then(async (response) => {
        await response.body?.cancel();
        return response.ok;
      }, () => false);
      if (up) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    throw new Error(this.#ended ? "Medusa ended" : "Medusa doesn't answer");
  }

  /** Asks it to end; what doesn't in time is killed. */
  async end(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    if (!this.#ended) this.#child.kill(signal);
    const late = setTimeout(() => this.#ended || this.#child.kill("SIGKILL"), END_MS);
    await this.#child.status;
    clearTimeout(late);
    await this.#child.stdin.close().catch(() => {});
  }
}

/** The name of the package. */
async function copyPlugin(folder: string, modules: string): Promise<string> {
  const { name } = JSON.parse(await Deno.readTextFile(join(folder, "package.json"))) as { name: string };
  await copyFolder(folder, join(modules, name));
  return name;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}
