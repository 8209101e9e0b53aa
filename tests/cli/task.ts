import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** What a process ended with. */
export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** A task of deno.json as a process, with exactly its permissions, in a directory of the test's: `./data` is there. */
export class Task {
  readonly #child: Deno.ChildProcess;
  readonly #out: Promise<string>;
  readonly #err: Promise<string>;
  #heard = "";
  #tell = () => {};

  constructor(
    name: "start" | "ncc",
    args: string[],
    o: { cwd: string; environment?: Record<string, string> },
  ) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...flagsOf(name), ...args],
      cwd: o.cwd,
      clearEnv: true,
      env: { ...cacheEnvironment(), ...o.environment },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#out = read(this.#child.stdout, () => {});
    this.#err = read(this.#child.stderr, (text) => {
      this.#heard += text;
      this.#tell();
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The first log line of this event, as soon as it is there. Throws when the process ends or 20 s pass without one. */
  async logs(event: string): Promise<Record<string, unknown>> {
    const over = Promise.withResolvers<never>();
    const timer = setTimeout(() => over.reject(new Error(`no ${event} in 20 s: ${this.#heard}`)), 20_000);
    const ended = this.#child.status.then(({ code }) => {
      throw new Error(`ended with ${code} before ${event}: ${this.#heard}`);
    });
    try {
      for (;;) {
        const line = this.#heard.split("\n").find((one) => one.includes(`"event":"${event}"`));
        if (line !== undefined) return JSON.parse(line) as Record<string, unknown>;
        const more = new Promise<void>((resolve) => this.#tell = resolve);
        await Promise.race([more, over.promise, ended]);
      }
    } finally {
      clearTimeout(timer);
      ended.catch(() => null);
    }
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async ended(): Promise<Ended> {
    const { code } = await this.#child.status;
    return { code, out: await this.#out, err: await this.#err };
  }
}

/** Runs a task to its end. */
export async function task(
  name: "start" | "ncc",
  args: string[],
  o: { cwd: string; environment?: Record<string, string> },
): Promise<Ended> {
  return await new Task(name, args, o).ended();
}

/** The arguments for deno that a task of deno.json has, with the program's path made absolute. */
function flagsOf(name: "start" | "ncc"): string[] {
  const words = config.tasks[name].replaceAll("'", "").split(" ").slice(1);
  return words.flatMap((word) => word === "main.ts" ? ["--config", CONFIG, MAIN] : [word]);
}

/** Where deno finds its packages; the program itself can't see these. */
function cacheEnvironment(): Record<string, string> {
  const names = ["HOME", "DENO_DIR", "XDG_CACHE_HOME", "PATH"];
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

async function read(stream: ReadableStream<Uint8Array>, tell: (text: string) => void): Promise<string> {
  let all = "";
  for await (
    const text of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
  ) {
    all += text;
    tell(text);
  }
  return all;
}
