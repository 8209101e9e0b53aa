import { freePort } from "../../support/ncc_process.ts";
import { Daemon, eventually } from "./daemon.ts";
import type { Program } from "./packages.ts";

const READY_MS = 60_000;
/** A coinbase can be spent after a hundred blocks. */
const FIRST_BLOCKS = 105;

/** What the node refused. */
export class BitcoindError extends Error {
  override readonly name = "BitcoindError";
}

/** A Bitcoin node of its own chain (regtest), with a wallet that has the coins. */
export class Bitcoind implements AsyncDisposable {
  readonly #daemon: Daemon;
  readonly #url: string;
  readonly #authorization: string;
  #address = "";
  /** Called after blocks or transactions of ours. */
  onChange: () => Promise<void> = () => Promise.resolve();

  private constructor(program: Program, dir: string) {
    const [port, password] = [freePort(), crypto.randomUUID()];
    this.#url = `http://127.0.0.1:${port}`;
    this.#authorization = `Basic ${btoa(`test:${password}`)}`;
    this.#daemon = new Daemon(program, [
      "-regtest",
      `-datadir=${dir}`,
      `-rpcport=${port}`,
      "-rpcuser=test",
      `-rpcpassword=${password}`,
      "-rpcbind=127.0.0.1",
      "-rpcallowip=127.0.0.1",
      "-server=1",
      "-listen=0",
      "-dnsseed=0",
      "-txindex=1",
      "-fallbackfee=0.0002",
      "-keypool=5",
      "-par=1",
    ], { dir, name: "bitcoind" });
  }

  /** A new chain with coins to send. */
  static async start(program: Program, dir: string): Promise<Bitcoind> {
    const node = new Bitcoind(program, dir);
    try {
      await eventually("bitcoind answers", READY_MS, async () => {
        if (node.#daemon.ended) throw new Error("it ended");
        return await node.rpc<number>("getblockcount");
      });
      await node.rpc("createwallet", ["coins"]);
      node.#address = await node.address();
      await node.mine(FIRST_BLOCKS);
      return node;
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** One call of its JSON-RPC. Throws a BitcoindError with its words. */
  async rpc<T>(method: string, params: unknown[] = []): Promise<T> {
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { authorization: this.#authorization, "content-type": "application/json" },
      body: JSON.stringify({ id: 1, method, params }),
    });
    const { result, error } = await response.json();
    if (error) throw new BitcoindError(`${method}: ${error.message}`);
    return result as T;
  }

  /** A new address of its own wallet. */
  address(): Promise<string> {
    return this.rpc<string>("getnewaddress", ["", "bech32"]);
  }

  /** Mines blocks; the hashes, oldest first. */
  async mine(blocks = 1): Promise<string[]> {
    const hashes = await this.rpc<string[]>("generatetoaddress", [blocks, this.#address]);
    await this.onChange();
    return hashes;
  }

  /** Sends so many sat to an address, unconfirmed; the transaction's id. */
  async send(address: string, sat: bigint): Promise<string> {
    const amount = `${sat / 100_000_000n}.${String(sat % 100_000_000n).padStart(8, "0")}`;
    const txid = await this.rpc<string>("sendtoaddress", [address, amount]);
    await this.onChange();
    return txid;
  }

  /** Puts another transaction with a higher fee in the place of an unconfirmed one (BIP 125); its id. */
  async bumpFee(txid: string): Promise<string> {
    const bumped = await this.rpc<{ txid: string }>("bumpfee", [txid]);
    await this.onChange();
    return bumped.txid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon.end("SIGTERM");
  }
}
