import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const POLL_MS = 5;

/** How `ncc start` is run: settings, and where it may write. */
export interface NccSetup {
  dataDir: string;
  port: number;
  /** Further settings (`NCC_…`). */
  settings: Record<string, string>;
  /** A command that runs it, as `strace` with its flags. */
  under?: string[];
}

/** `ncc start` as a process of its own, with the permissions of `deno task start` and no other environment. */
export class NccProcess {
  readonly #child: Deno.ChildProcess;
  readonly #o: NccSetup;
  readonly #startedAt = performance.now();
  readonly #log: Promise<void>;
  #ended = false;

  constructor(o: NccSetup) {
    this.#o = o;
    const [command = Deno.execPath(), ...before] = o.under ? [...o.under, Deno.execPath()] : [];
    this.#child = new Deno.Command(command, {
      args: [
        ...before,
        "run",
        "--no-prompt",
        "--config",
        CONFIG,
        "--allow-net",
        "--allow-read",
        `--allow-write=${o.dataDir}`,
        "--allow-env=NCC_*,NO_COLOR",
        "--ignore-env",
        MAIN,
        "start",
      ],
      cwd: o.dataDir,
      clearEnv: true,
      env: {
        ...cacheEnvironment(),
        NCC_DATA_DIR: o.dataDir,
        NCC_PORT: String(o.port),
        NCC_LOG: "warn",
        ...o.settings,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child.status.then(() => this.#ended = true);
    const log = join(o.dataDir, "test.log");
    this.#log = Promise.all([append(this.#child.stdout, log), append(this.#child.stderr, log)]).then(
      () => {},
    );
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Milliseconds from the start until it was ready, or null when it wasn't within `ms` or ended before. */
  async ready(ms: number): Promise<number | null> {
    const end = performance.now() + ms;
    while (performance.now() < end && !this.#ended) {
      if (await this.#isReady(end)) return performance.now() - this.#startedAt;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return null;
  }

  /** Its exit code, once it ends by itself. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#log;
    return code;
  }

  /** Ends it by this signal; its exit code (137 after SIGKILL). */
  async end(signal: Deno.Signal): Promise<number> {
    if (!this.#ended) this.#child.kill(signal);
    const { code } = await this.#child.status;
    await this.#log;
    return code;
  }

  /** A call to the REST API with the token of the data directory. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const token = (await Deno.readTextFile(join(this.#o.dataDir, "admin.token"))).trim();
    const response = await fetch(`http://127.0.0.1:${this.#o.port}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** All pages of a list. */
  async all<T>(path: string): Promise<T[]> {
    const rows: T[] = [];
    for (let cursor: string | null = "";;) {
      const more: string = `${path.includes("?") ? "&" : "?"}limit=200${cursor ? `&cursor=${cursor}` : ""}`;
      const page: { data: T[]; next_cursor: string | null } = await this.call("GET", path + more);
      rows.push(...page.data);
      cursor = page.next_cursor;
      if (!cursor) return rows;
    }
  }

  async #isReady(end: number): Promise<boolean> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.#o.port}/readyz`, {
        signal: AbortSignal.timeout(Math.max(1, end - performance.now())),
      });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false; // nobody listens yet
    }
  }
}

/** A port that nobody has now. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Where the runtime finds its cache. */
function cacheEnvironment(): Record<string, string> {
  const names = ["DENO_DIR", "HOME", "PATH", "NPM_CONFIG_REGISTRY"];
  return Object.fromEntries(
    names.flatMap((name) => Deno.env.has(name) ? [[name, Deno.env.get(name)!]] : []),
  );
}

/** By hand: `pipeTo` may keep what comes until the end, and the log is read before. */
async function append(from: ReadableStream<Uint8Array>, path: string): Promise<void> {
  using file = await Deno.open(path, { append: true, create: true, mode: 0o600 });
  for await (const chunk of from) {
    for (let done = 0; done < chunk.length;) done += await file.write(chunk.subarray(done));
  }
}
