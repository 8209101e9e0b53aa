import { sha256 } from "@noble/hashes/sha2.js";
import type { Bitcoind } from "./bitcoind.ts";

interface Block {
  hash: string;
  header: string;
  txids: string[];
}

/** A transaction as far as the index needs it: whom it touches, what it makes and what it spends. */
interface Transaction {
  txid: string;
  inputs: string[];
  outputs: { outpoint: string; scriptHash: string; sat: number }[];
}

/** A line of a script's history, as the protocol has it: height 0 is unconfirmed, -1 with unconfirmed parents. */
export interface HistoryItem {
  tx_hash: string;
  height: number;
  fee?: number;
}

export interface Unspent {
  tx_hash: string;
  tx_pos: number;
  height: number;
  value: number;
}

interface RpcTransaction {
  txid: string;
  vin: { txid?: string; vout?: number }[];
  vout: { n: number; value: number; scriptPubKey: { hex: string } }[];
}

/**
 * A chain's transactions by the hash of the scripts that they touch, as the Electrum protocol asks for them. It is small and
 * held in memory: a chain that was reorganised is read anew.
 */
export class ChainIndex {
  readonly #node: Bitcoind;
  #blocks: Block[] = [];
  readonly #confirmed = new Map<string, HistoryItem[]>();
  readonly #outputs = new Map<string, { scriptHash: string; sat: number; height: number }>();
  readonly #spent = new Set<string>();
  readonly #mempool = new Map<string, Transaction & { fee: number; depends: boolean }>();

  constructor(node: Bitcoind) {
    this.#node = node;
  }

  get tip(): { height: number; header: string } {
    const height = this.#blocks.length - 1;
    return { height, header: this.#blocks[height]!.header };
  }

  /** Reads what is new; answers whose history may have changed, and whether there is another tip. */
  async sync(): Promise<{ touched: Set<string>; newTip: boolean }> {
    const touched = new Set<string>();
    const height = await this.#node.rpc<number>("getblockcount");
    const last = this.#blocks.length - 1;
    let newTip = height !== last;
    if (last >= 0 && (height < last || await this.#hashAt(last) !== this.#blocks[last]!.hash)) {
      newTip = true;
      for (const scriptHash of this.#confirmed.keys()) touched.add(scriptHash);
      for (const scriptHash of this.#mempool.values().flatMap((tx) => this.#touches(tx))) {
        touched.add(scriptHash);
      }
      this.#blocks = [];
      for (const known of [this.#confirmed, this.#outputs, this.#spent, this.#mempool]) known.clear();
    }
    while (this.#blocks.length <= height) await this.#readBlock(this.#blocks.length, touched);
    await this.#readMempool(touched);
    return { touched, newTip };
  }

  block(height: number): Block {
    const block = this.#blocks[height];
    if (!block) throw new Error(`no block ${height}`);
    return block;
  }

  history(scriptHash: string): HistoryItem[] {
    return [...this.#confirmed.get(scriptHash) ?? [], ...this.unconfirmed(scriptHash)];
  }

  unconfirmed(scriptHash: string): HistoryItem[] {
    return this.#mempool.values().filter((tx) => this.#touches(tx).has(scriptHash))
      .map(({ txid, fee, depends }) => ({ tx_hash: txid, height: depends ? -1 : 0, fee })).toArray()
      .sort((a, b) => b.height - a.height || (a.tx_hash < b.tx_hash ? -1 : 1));
  }

  /** Electrum protocol: the digest of a history, null for an empty one. */
  status(scriptHash: string): string | null {
    const text = this.history(scriptHash).map((item) => `${item.tx_hash}:${item.height}:`).join("");
    return text === "" ? null : sha256(new TextEncoder().encode(text)).toHex();
  }

  unspent(scriptHash: string): Unspent[] {
    const inMempool = new Set(this.#mempool.values().flatMap((tx) => tx.inputs));
    return this.#outputs.entries()
      .filter(([outpoint, output]) =>
        output.scriptHash === scriptHash && !this.#spent.has(outpoint) && !inMempool.has(outpoint)
      )
      .map(([outpoint, { sat, height }]) => {
        const [txid = "", n = ""] = outpoint.split(":");
        return { tx_hash: txid, tx_pos: Number(n), height, value: sat };
      }).toArray();
  }

  /** In sat; what is unconfirmed is the difference, less than zero while a spending one is. */
  balance(scriptHash: string): { confirmed: number; unconfirmed: number } {
    const sum = (all: { value: number }[]) => all.reduce((sat, { value }) => sat + value, 0);
    const confirmed = this.#outputs.entries()
      .filter(([outpoint, output]) =>
        output.scriptHash === scriptHash && output.height > 0 && !this.#spent.has(outpoint)
      ).reduce((sat, [, output]) => sat + output.sat, 0);
    return { confirmed, unconfirmed: sum(this.unspent(scriptHash)) - confirmed };
  }

  #hashAt(height: number): Promise<string> {
    return this.#node.rpc<string>("getblockhash", [height]);
  }

  async #readBlock(height: number, touched: Set<string>): Promise<void> {
    const hash = await this.#hashAt(height);
    const { tx } = await this.#node.rpc<{ tx: RpcTransaction[] }>("getblock", [hash, 2]);
    const header = await this.#node.rpc<string>("getblockheader", [hash, false]);
    for (const one of tx.map(read)) {
      this.#mempool.delete(one.txid);
      this.#addOutputs(one, height);
      for (const scriptHash of this.#touches(one)) {
        const items = this.#confirmed.get(scriptHash) ?? [];
        items.push({ tx_hash: one.txid, height });
        this.#confirmed.set(scriptHash, items);
        touched.add(scriptHash);
      }
      for (const outpoint of one.inputs) this.#spent.add(outpoint);
    }
    this.#blocks.push({ hash, header, txids: tx.map(({ txid }) => txid) });
  }

  async #readMempool(touched: Set<string>): Promise<void> {
    const entries = await this.#node.rpc<Record<string, { fees: { base: number }; depends: string[] }>>(
      "getrawmempool",
      [true],
    );
    for (const [txid, gone] of this.#mempool) {
      if (txid in entries) continue;
      // Replaced by another one.
      for (const scriptHash of this.#touches(gone)) touched.add(scriptHash);
      this.#mempool.delete(txid);
      for (const { outpoint } of gone.outputs) this.#outputs.delete(outpoint);
    }
    const fresh: string[] = [];
    for (const [txid, { fees, depends }] of Object.entries(entries)) {
      if (this.#mempool.has(txid)) continue;
      const tx = read(await this.#node.rpc<RpcTransaction>("getrawtransaction", [txid, true]));
      this.#mempool.set(txid, { ...tx, fee: Math.round(fees.base * 1e8), depends: depends.length > 0 });
      this.#addOutputs(tx, 0);
      fresh.push(txid);
    }
    // Now that all outputs are known, one may spend another's.
    for (const txid of fresh) {
      for (const scriptHash of this.#touches(this.#mempool.get(txid)!)) touched.add(scriptHash);
    }
  }

  #addOutputs(tx: Transaction, height: number): void {
    for (const { outpoint, scriptHash, sat } of tx.outputs) {
      this.#outputs.set(outpoint, { scriptHash, sat, height });
    }
  }

  #touches(tx: Transaction): Set<string> {
    const spent = tx.inputs.flatMap((outpoint) => this.#outputs.get(outpoint)?.scriptHash ?? []);
    return new Set([...spent, ...tx.outputs.map(({ scriptHash }) => scriptHash)]);
  }
}

function read({ txid, vin, vout }: RpcTransaction): Transaction {
  return {
    txid,
    inputs: vin.flatMap((input) => input.txid === undefined ? [] : [`${input.txid}:${input.vout}`]),
    outputs: vout.map(({ n, value, scriptPubKey }) => ({
      outpoint: `${txid}:${n}`,
      scriptHash: scriptHashOf(scriptPubKey.hex),
      sat: Math.round(value * 1e8),
    })),
  };
}

/** Electrum protocol: a script is named by its SHA-256, bytes in reverse order. */
export function scriptHashOf(scriptHex: string): string {
  return sha256(Uint8Array.fromHex(scriptHex)).reverse().toHex();
}
