import { join } from "node:path";
import type { LnbitsPackage } from "./lnbits_package.ts";

const PATIENCE_MS = 120_000;
const LOOK_MS = 200;
/** Ports are free when they are asked for, and may be taken when they are used. */
const TRIES = 3;

/** A wallet of the real LNbits. */
export interface LnbitsAccount {
  id: string;
  /** The invoice key. */
  inkey: string;
  adminkey: string;
}

/**
 * The real LNbits as a process of its own, over its FakeWallet: invoices are real, only wallets of this one server reach each
 * other, and no money moves.
 */
export class LnbitsServer implements AsyncDisposable {
  readonly base: URL;
  readonly #process: Deno.ChildProcess;
  readonly #dir: string;
  readonly #token: string;
  #stopped = false;

  private constructor(o: { base: URL; process: Deno.ChildProcess; dir: string; token: string }) {
    this.base = o.base;
    this.#process = o.process;
    this.#dir = o.dir;
    this.#token = o.token;
  }

  static async start(installed: LnbitsPackage): Promise<LnbitsServer> {
    for (let tries = 1;; tries++) {
      const dir = await Deno.makeTempDir({ prefix: "ncc-lnbits-" });
      const base = new URL(`http://127.0.0.1:${freePort()}/`);
      const process = spawn(installed, dir, base.port);
      try {
        await answers(base, process);
        return new LnbitsServer({ base, process, dir, token: await becomeAdmin(base) });
      } catch (error) {
        await end(process);
        const log = await Deno.readTextFile(join(dir, "log"));
        await Deno.remove(dir, { recursive: true });
        if (tries === TRIES || !log.includes("address already in use")) {
          throw new Error(`LNbits doesn't start: ${log.slice(-2_000)}`, { cause: error });
        }
      }
    }
  }

  /** A new wallet with so many sat. */
  async account(name: string, sat = 0): Promise<LnbitsAccount> {
    const account = await this.ask("POST", "api/v1/account", { name }) as LnbitsAccount;
    if (sat > 0) await this.ask("PUT", "users/api/v1/balance", { id: account.id, amount: sat });
    return account;
  }

  /** Asks its API, with a wallet's key or as its administrator. Throws what it says when it doesn't. */
  async ask(method: string, path: string, json?: unknown, key?: string): Promise<unknown> {
    return await ask(new URL(path, this.base), method, json, {
      ...(key === undefined ? { authorization: `Bearer ${this.#token}` } : { "x-api-key": key }),
    });
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await end(this.#process);
    await Deno.remove(this.#dir, { recursive: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function spawn({ python, folder }: LnbitsPackage, dir: string, port: string): Deno.ChildProcess {
  const command = `exec "$0" -m uvicorn lnbits.__main__:app --host 127.0.0.1 --port ${port} >"$1" 2>&1`;
  return new Deno.Command("sh", {
    args: ["-c", command, python, join(dir, "log")],
    cwd: folder,
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
      HOME: dir,
      LNBITS_DATA_FOLDER: dir,
      LNBITS_EXTENSIONS_PATH: join(dir, "extensions"),
      LNBITS_BACKEND_WALLET_CLASS: "FakeWallet",
      LNBITS_ADMIN_UI: "true",
      LNBITS_RATE_LIMIT_NO: "1000000",
      // Whatever it would ask the internet for.
      LNBITS_EXTENSIONS_MANIFESTS: "[]",
      LNBITS_WASM_EXTENSIONS_MANIFESTS: "[]",
      LNBITS_EXTENSIONS_DEFAULT_INSTALL: "[]",
      LNBITS_EXCHANGE_RATE_PROVIDERS: "[]",
      // Its webhooks come to this machine.
      LNBITS_CALLBACK_URL_RULES: "[]",
      LNBITS_CALLBACK_ALLOW_PRIVATE_IPS: "true",
    },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function answers(base: URL, process: Deno.ChildProcess): Promise<void> {
  let ended = false;
  void process.status.then(() => ended = true);
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end && !ended;) {
    const up = await fetch(new URL("api/v1/health", base)).then(async (response) => {
      await response.body?.cancel();
      return response.ok;
    }, () => false);
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error(ended ? "it ended" : "it doesn't answer");
}

/** Who comes first to a new LNbits is its administrator. */
async function becomeAdmin(base: URL): Promise<string> {
  const password = crypto.randomUUID();
  const body = { username: "tests", password, password_repeat: password };
  const { access_token } = await ask(new URL("api/v1/auth/first_install", base), "PUT", body, {}) as {
    access_token: string;
  };
  return access_token;
}

async function ask(
  url: URL,
  method: string,
  json: unknown,
  headers: Record<string, string>,
): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`LNbits: ${response.status} ${text}`);
  return JSON.parse(text);
}

async function end(process: Deno.ChildProcess): Promise<void> {
  try {
    process.kill("SIGKILL");
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof TypeError)) throw error;
  }
  await process.status;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}
