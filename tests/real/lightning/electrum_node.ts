import { join } from "node:path";
import { freePort } from "../../support/ncc_process.ts";
import { Daemon, eventually } from "./daemon.ts";
import type { Program } from "./packages.ts";

const READY_MS = 120_000;
/** A payment waits for as long as its money is held. */
const CALL_MS = 60_000;

/** What the node refused. */
export class ElectrumError extends Error {
  override readonly name = "ElectrumError";
}

export interface ElectrumNodeOptions {
  program: Program;
  /** Of its own; the log is in it, too. */
  dir: string;
  name: string;
  /** Of the Electrum-protocol server. */
  serverPort: number;
  /** Where its wallet connections (NIP-47) are served. */
  relay: string;
}

interface Channel {
  state: string;
}

/** Electrum as a Lightning node with one wallet: a process of its own, told what to do by its JSON-RPC. */
export class ElectrumNode implements AsyncDisposable {
  readonly #o: ElectrumNodeOptions;
  readonly #port: number;
  readonly #password: string;
  #daemon: Daemon;

  private constructor(o: ElectrumNodeOptions, port: number, password: string) {
    this.#o = o;
    this.#port = port;
    this.#password = password;
    this.#daemon = this.#spawn();
  }

  /** Starts one with a new wallet. */
  static async start(o: ElectrumNodeOptions): Promise<ElectrumNode> {
    const [port, password] = [freePort(), crypto.randomUUID()];
    await Deno.mkdir(join(o.dir, "regtest"), { recursive: true });
    await Deno.writeTextFile(join(o.dir, "regtest", "config"), settings(o, port, password));
    const node = new ElectrumNode(o, port, password);
    try {
      await node.#answers();
      await node.rpc("create", { wallet_path: node.#wallet });
      await node.#open();
      return node;
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** One call of its JSON-RPC. Throws an ElectrumError with its words. */
  async rpc<T>(method: string, params: Record<string, unknown> = {}): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#port}`, {
      method: "POST",
      headers: {
        authorization: `Basic ${btoa(`test:${this.#password}`)}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      signal: AbortSignal.timeout(CALL_MS),
    });
    const text = await response.text();
    if (!text.startsWith("{")) throw new ElectrumError(`${method}: ${text}`);
    const { result, error } = JSON.parse(text);
    if (error) throw new ElectrumError(`${method}: ${error.message} ${JSON.stringify(error.data ?? "")}`);
    return result as T;
  }

  /** An invoice over so many sat. */
  async invoice(sat: bigint, memo = "test"): Promise<string> {
    const made = await this.rpc<{ lightning_invoice: string }>("add_request", {
      amount: btc(sat),
      memo,
      lightning: true,
    });
    return made.lightning_invoice;
  }

  /** Pays an invoice; throws an ElectrumError when it isn't paid. Resolves once the preimage is there. */
  async pay(bolt11: string): Promise<void> {
    const { success } = await this.rpc<{ success: boolean }>("lnpay", { invoice: bolt11 });
    if (!success) throw new ElectrumError("lnpay: no way, or it was given back");
  }

  /** A wallet connection (NIP-47). `dailySat` 0: it only receives. `seconds`: how long it is good, for ever without. */
  async connection(name: string, dailySat: bigint, seconds?: number): Promise<string> {
    return await this.rpc<string>("nwc_add_connection", {
      name,
      daily_limit_sat: Number(dailySat),
      ...(seconds !== undefined && { valid_for_sec: seconds }),
    });
  }

  /** How it is called by others: `<pubkey>@<address>`. */
  async address(): Promise<string> {
    return await this.rpc<string>("nodeid");
  }

  /** Confirmed, in sat. */
  async onChainSat(): Promise<bigint> {
    const { confirmed = "0" } = await this.rpc<{ confirmed?: string }>("getbalance");
    return BigInt(Math.round(Number(confirmed) * 1e8));
  }

  /** Resolves when all its channels can be used, and it has one. */
  async channelsOpen(): Promise<void> {
    await eventually(`${this.#o.name}'s channel is open`, READY_MS, async () => {
      const channels = await this.rpc<(Channel & { peer_state?: string })[]>("list_channels");
      const usable = channels.length > 0 &&
        channels.every(({ state, peer_state: peer }) => state === "OPEN" && (peer ?? "GOOD") === "GOOD");
      return usable || undefined;
    });
  }

  /** As when the power fails. */
  async kill(): Promise<void> {
    await this.#daemon.end("SIGKILL");
  }

  /** Starts again what was killed, with what it had written down. */
  async restart(): Promise<void> {
    this.#daemon = this.#spawn();
    await this.#answers();
    await this.#open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon.end("SIGTERM");
  }

  get #wallet(): string {
    return join(this.#o.dir, "wallet");
  }

  #spawn(): Daemon {
    const { program, dir, name } = this.#o;
    return new Daemon(program, ["--regtest", "-D", dir, "daemon", "-v"], { dir, name });
  }

  async #answers(): Promise<void> {
    await eventually(`${this.#o.name} is connected`, READY_MS, async () => {
      if (this.#daemon.ended) throw new Error("it ended");
      const { connected } = await this.rpc<{ connected: boolean }>("getinfo");
      return connected || undefined;
    });
  }

  async #open(): Promise<void> {
    await this.rpc("load_wallet", { wallet_path: this.#wallet });
  }
}

function settings({ serverPort, relay }: ElectrumNodeOptions, port: number, password: string): string {
  return JSON.stringify({
    config_version: 3,
    // Else it looks for public servers.
    auto_connect: false,
    oneserver: true,
    server: `127.0.0.1:${serverPort}:t`,
    check_updates: false,
    rpcuser: "test",
    rpcpassword: password,
    rpcport: port,
    lightning_listen: `127.0.0.1:${freePort()}`,
    plugins: { nwc: { enabled: true, relay } },
    nostr_relays: relay,
  });
}

/** Electrum's RPC has amounts in BTC, as decimal text. */
export function btc(sat: bigint): string {
  return `${sat / 100_000_000n}.${String(sat % 100_000_000n).padStart(8, "0")}`;
}
