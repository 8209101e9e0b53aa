import { join } from "node:path";
import type { Program } from "./packages.ts";

const PATIENCE_MS = 10_000;

/** A program that runs until it is ended, by its own id. What it says is in `<dir>/<name>.log`. */
export class Daemon {
  readonly #child: Deno.ChildProcess;
  readonly #log: Promise<unknown>;
  #ended = false;

  constructor(program: Program, args: string[], o: { dir: string; name: string }) {
    this.#child = new Deno.Command(program.command, {
      args: [...program.args, ...args],
      cwd: o.dir,
      clearEnv: true,
      env: { ...program.env, HOME: o.dir, PATH: Deno.env.get("PATH") ?? "", LANG: "C.UTF-8" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child.status.then(() => this.#ended = true);
    const log = join(o.dir, `${o.name}.log`);
    this.#log = Promise.all([append(this.#child.stdout, log), append(this.#child.stderr, log)]);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Asks it to end; what doesn't in time is killed. */
  async end(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    if (!this.#ended) this.#child.kill(signal);
    const late = setTimeout(() => this.#ended || this.#child.kill("SIGKILL"), PATIENCE_MS);
    await this.#child.status;
    clearTimeout(late);
    await this.#log;
  }
}

async function append(from: ReadableStream<Uint8Array>, path: string): Promise<void> {
  using file = await Deno.open(path, { append: true, create: true });
  for await (const chunk of from) {
    for (let done = 0; done < chunk.length;) done += await file.write(chunk.subarray(done));
  }
}

/** Asks again until there is an answer that isn't undefined; what throws isn't ready yet. Throws after `ms`. */
export async function eventually<T>(
  what: string,
  ms: number,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  let last: unknown = "";
  for (const end = performance.now() + ms; performance.now() < end;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within ${ms / 1000} s: ${what} ${last}`);
}
