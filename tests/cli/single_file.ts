import { fileURLToPath } from "node:url";
import { generateSecretKey } from "nostr-tools/pure";
import config from "../../deno.json" with { type: "json" };
import { Shopper } from "../support/shopper.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PATIENCE_MS = 15_000;

/** The words of a task of deno.json, without `deno`, and with another output. */
export function wordsOf(name: "bundle" | "compile", output: string): string[] {
  const words = config.tasks[name].replaceAll("'", "").split(" ").slice(1);
  return words.map((word, i) => words[i - 1] === "--output" ? output : word);
}

/** Runs deno in the project's directory. Throws with what it said when it fails. */
export async function deno(args: string[], environment: Record<string, string> = {}): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: environment,
    stdout: "null",
  }).output();
  if (!success) throw new Error(`deno ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** The program in one file, running; what it says is on `log`. */
export class SingleFile implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #dir: string;
  #log = "";
  readonly #reading: Promise<void>;

  /**
   * Starts the file with these permissions and nothing else: no packages, no cache of them, no configuration, no environment
   * but our own settings. `dir` is where it runs; `./data` is there.
   */
  constructor(file: string, permissions: string[], dir: string, environment: Record<string, string> = {}) {
    this.#dir = dir;
    const isolation = ["--no-config", "--no-npm", "--no-remote", "--cached-only"];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...isolation, ...permissions, file, "start"],
      cwd: dir,
      clearEnv: true,
      env: { DENO_DIR: `${dir}/cache`, NCC_PORT: "0", NCC_WALLET: "demo:", SECRET: "canary", ...environment },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#reading = this.#read();
  }

  get log(): string {
    return this.#log;
  }

  /** Where it is reached, once it says so. */
  async url(): Promise<string> {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
      const url = /"start\.ready","url":"([^"]+)"/.exec(this.#log)?.[1];
      if (url !== undefined) return url;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`it didn't get ready: ${this.#log}`);
  }

  /** Sells one cup: fills the shop, orders by direct message, pays, and hears that it is paid. The order's state at the end. */
  async sell(): Promise<string> {
    const url = await this.url();
    const token = (await Deno.readTextFile(`${this.#dir}/data/admin.token`)).trim();
    const call = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(`${url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
      return answer;
    };
    const stall = await call("POST", "/stalls", { id: "tea", name: "Tea", currency: "sat" });
    await call("POST", "/products", { id: "cup", stall_id: "tea", name: "Cup", price: 100, quantity: 2 });
    const relay = `${url.replace(/^http/, "ws")}/relay`;
    const key = {
      secretKey: generateSecretKey(),
      merchant: stall.merchant,
      envelope: "nip17",
      relay,
    } as const;
    await using alice = new Shopper(key);
    await alice.connect();
    const items = [{ product_id: "cup", quantity: 1 }];
    await alice.write({ id: "one", type: 0, items, shipping_id: stall.shipping[0].id, address: "Somewhere" });
    const request = await alice.hears((message) => message.type === 1, PATIENCE_MS);
    const invoice = request?.payment_options?.[0]?.link;
    const { order_id } = await call("POST", "/demo/settle", { invoice });
    await alice.hears((message) => message.type === 2 && message.paid === true, PATIENCE_MS);
    return (await call("GET", `/orders/${order_id}`)).payment;
  }

  /** Ends it as an operator would; its exit code. */
  async end(): Promise<number> {
    this.#child.kill("SIGTERM");
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    const text = this.#child.stderr.pipeThrough(
      new TextDecoderStream() as TransformStream<Uint8Array, string>,
    );
    for await (const part of text) this.#log += part;
  }
}
