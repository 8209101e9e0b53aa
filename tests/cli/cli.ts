import type { World } from "../../src/cli/shell.ts";
import { run } from "../../src/cli/program.ts";

/** What a command line left behind. */
export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** How a command finds the world; what isn't given is empty, and nobody can be asked. */
export interface Around {
  environment?: Record<string, string>;
  /** Answers in the order of the questions. */
  answers?: string[];
  interactive?: boolean;
  terminated?: Promise<void>;
  /** Called with each line on standard output. */
  onOut?: (text: string) => void;
}

/** Runs one command line in this process. */
export async function ncc(args: string[], around: Around = {}): Promise<Ran & { json: () => unknown }> {
  const socket = globalThis.WebSocket;
  const out: string[] = [];
  const err: string[] = [];
  const answers = [...around.answers ?? []];
  const ask = () => answers.shift() ?? null;
  const world: World = {
    terminal: {
      out: (text) => {
        out.push(text);
        around.onOut?.(text);
      },
      err: (text) => void err.push(text),
      interactive: around.interactive ?? false,
    },
    environment: around.environment ?? {},
    readFile: (path) => Deno.readTextFileSync(path),
    terminated: around.terminated ?? Promise.resolve(),
    ask,
    askSecret: ask,
  };
  const code = await run(args, world);
  globalThis.WebSocket = socket;
  const ran = { code, out: out.join("\n"), err: err.join("\n") };
  return { ...ran, json: () => JSON.parse(ran.out) };
}

/** An empty directory, and an environment that points there and to a port where nobody is. `await using` removes it. */
export async function place(more: Record<string, string> = {}): Promise<
  { dir: string; data: string; environment: Record<string, string> } & AsyncDisposable
> {
  const dir = await Deno.makeTempDir({ prefix: "ncc-cli-" });
  const data = `${dir}/data`;
  return {
    dir,
    data,
    environment: { NCC_DATA_DIR: data, NCC_PORT: String(freePort()), ...more },
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

/** A port that was free just now. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Whether there is such a file or directory. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
