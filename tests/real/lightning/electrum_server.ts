import { sha256 } from "@noble/hashes/sha2.js";
import type { Bitcoind } from "./bitcoind.ts";
import { ChainIndex } from "./chain_index.ts";
import { JsonLines } from "./json_lines.ts";

const POLL_MS = 250;
const MOST_HEADERS = 2_016;
const PROTOCOL = "1.4";

/** One connection, and what it wants to hear of. */
interface Client {
  lines: JsonLines;
  scripts: Set<string>;
  wantsHeaders: boolean;
}

interface Request {
  id: number;
  method: string;
  params?: unknown[] | Record<string, unknown>;
}

type Method = (client: Client, ...params: never[]) => unknown;

/** A server of the Electrum protocol 1.4 (plain TCP, one JSON-RPC message a line) over a node's RPC, for test chains. */
export class ElectrumServer implements AsyncDisposable {
  readonly #node: Bitcoind;
  readonly #index: ChainIndex;
  readonly #listener: Deno.TcpListener;
  readonly #clients = new Map<Client, Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly #poll: ReturnType<typeof setInterval>;
  readonly #methods: Record<string, Method>;
  #syncing: Promise<void> = Promise.resolve();
  /** One that hasn't begun yet, and will bring all that happened until now. */
  #next: Promise<void> | null = null;

  private constructor(node: Bitcoind, index: ChainIndex, port: number) {
    this.#node = node;
    this.#index = index;
    this.#methods = this.#table();
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#accepting = this.#accept();
    this.#poll = setInterval(() => this.sync(), POLL_MS);
  }

  /** Serves the chain of a node. Port 0: any free one. */
  static async serve(node: Bitcoind, port = 0): Promise<ElectrumServer> {
    const index = new ChainIndex(node);
    await index.sync();
    return new ElectrumServer(node, index, port);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Tells the clients what has happened; resolves when they were told. */
  sync(): Promise<void> {
    return this.#next ??= this.#syncing = this.#syncing.then(async () => {
      this.#next = null;
      try {
        await this.#tellAll();
      } catch {
        // The node is going down, or isn't there yet: the next round asks again.
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#poll);
    this.#listener.close();
    await this.#accepting;
    for (const { lines } of this.#clients.keys()) lines.close();
    await Promise.all(this.#clients.values());
    await this.#syncing;
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      const client: Client = { lines: new JsonLines(connection), scripts: new Set(), wantsHeaders: false };
      this.#clients.set(client, this.#serve(client).finally(() => this.#clients.delete(client)));
    }
  }

  async #serve(client: Client): Promise<void> {
    for await (const message of client.lines.read()) {
      for (const request of (Array.isArray(message) ? message : [message]) as Request[]) {
        await client.lines.send({ jsonrpc: "2.0", id: request.id, ...await this.#answer(client, request) });
      }
    }
  }

  async #answer(
    client: Client,
    { method, params }: Request,
  ): Promise<{ result: unknown } | { error: { code: number; message: string } }> {
    const known = this.#methods[method];
    if (!known) return { error: { code: -32601, message: `unknown method ${method}` } };
    const given = Array.isArray(params) ? params : Object.values(params ?? {});
    try {
      return { result: await known(client, ...given as never[]) ?? null };
    } catch (error) {
      return { error: { code: 1, message: error instanceof Error ? error.message : String(error) } };
    }
  }

  async #tellAll(): Promise<void> {
    const { touched, newTip } = await this.#index.sync();
    for (const client of this.#clients.keys()) {
      if (newTip && client.wantsHeaders) {
        await tell(client, "blockchain.headers.subscribe", [this.#tip()]);
      }
      for (const scriptHash of touched) {
        if (!client.scripts.has(scriptHash)) continue;
        await tell(client, "blockchain.scripthash.subscribe", [scriptHash, this.#index.status(scriptHash)]);
      }
    }
  }

  #tip(): { height: number; hex: string } {
    const { height, header } = this.#index.tip;
    return { height, hex: header };
  }

  #table(): Record<string, Method> {
    const [index, node] = [this.#index, this.#node];
    return {
      "server.version": () => ["ncc test server", PROTOCOL],
      "server.features": () => ({
        genesis_hash: index.block(0).hash,
        hash_function: "sha256",
        hosts: {},
        protocol_max: PROTOCOL,
        protocol_min: PROTOCOL,
        pruning: null,
        server_version: "ncc test server",
      }),
      "server.ping": () => null,
      "server.banner": () => "",
      "server.donation_address": () => "",
      "server.peers.subscribe": () => [],
      "mempool.get_fee_histogram": () => [],
      "blockchain.relayfee": () => 0.00001,
      "blockchain.estimatefee": () => 0.0001,
      "blockchain.headers.subscribe": (client) => {
        client.wantsHeaders = true;
        return this.#tip();
      },
      "blockchain.block.header": (_, height: number) => index.block(height).header,
      "blockchain.block.headers": (_, from: number, count: number) => {
        const until = Math.min(from + Math.min(count, MOST_HEADERS), index.tip.height + 1);
        const headers = Array.from(
          { length: Math.max(0, until - from) },
          (_, i) => index.block(from + i).header,
        );
        return { count: headers.length, hex: headers.join(""), max: MOST_HEADERS };
      },
      "blockchain.scripthash.subscribe": (client, scriptHash: string) => {
        client.scripts.add(scriptHash);
        return index.status(scriptHash);
      },
      "blockchain.scripthash.unsubscribe": (client, scriptHash: string) => client.scripts.delete(scriptHash),
      "blockchain.scripthash.get_history": (_, scriptHash: string) => index.history(scriptHash),
      "blockchain.scripthash.get_mempool": (_, scriptHash: string) => index.unconfirmed(scriptHash),
      "blockchain.scripthash.listunspent": (_, scriptHash: string) => index.unspent(scriptHash),
      "blockchain.scripthash.get_balance": (_, scriptHash: string) => index.balance(scriptHash),
      "blockchain.transaction.get": (_, txid: string, verbose = false) =>
        node.rpc("getrawtransaction", [txid, verbose]),
      "blockchain.transaction.broadcast": async (_, raw: string) => {
        const txid = await node.rpc("sendrawtransaction", [raw]);
        this.sync();
        return txid;
      },
      "blockchain.transaction.get_merkle": (_, txid: string, height: number) => {
        const { txids } = index.block(height);
        const pos = txids.indexOf(txid);
        if (pos < 0) throw new Error(`transaction ${txid} isn't in block ${height}`);
        return { block_height: height, pos, merkle: merkleBranch(txids, pos) };
      },
      "blockchain.transaction.id_from_pos": (_, height: number, pos: number, merkle = false) => {
        const { txids } = index.block(height);
        return merkle ? { tx_hash: txids[pos], merkle: merkleBranch(txids, pos) } : txids[pos];
      },
    };
  }
}

function tell(client: Client, method: string, params: unknown[]): Promise<void> {
  return client.lines.send({ jsonrpc: "2.0", method, params });
}

/** The hashes that lead from a transaction to its block's Merkle root, bytes in reverse order. */
function merkleBranch(txids: string[], position: number): string[] {
  const branch: string[] = [];
  let level = txids.map((txid) => Uint8Array.fromHex(txid).reverse());
  for (let at = position; level.length > 1; at >>= 1) {
    if (level.length % 2 === 1) level.push(level.at(-1)!);
    branch.push(Uint8Array.from(level[at ^ 1]!).reverse().toHex());
    level = Array.from(
      { length: level.length / 2 },
      (_, i) => sha256(sha256(new Uint8Array([...level[2 * i]!, ...level[2 * i + 1]!]))),
    );
  }
  return branch;
}
