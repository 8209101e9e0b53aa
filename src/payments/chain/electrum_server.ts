import { Transaction } from "@scure/btc-signer";
import { z } from "zod";
import type { Clock } from "../../clock.ts";
import type { Network } from "../wallet.ts";
import { scriptHashOf } from "./account.ts";
import {
  ChainError,
  type ChainOutput,
  type ChainServer,
  networkOf,
  type WatchedScript,
} from "./chain_server.ts";
import { type ElectrumAddress, ElectrumRpc } from "./electrum_rpc.ts";

const CLIENT = "ncc";
/** Electrum protocol: what we speak; 1.4 has all that is asked. */
const PROTOCOL = ["1.4", "1.4.2"];
/** A server ends a connection that is silent for ten minutes. */
const PING_MS = 60_000;
/** Servers allow so many, and more orders don't wait for money at the same time. */
const MOST_FOLLOWED = 2_000;
/** Whoever sends dust to an address doesn't keep us busy with it. */
const MOST_PAYMENTS = 200;
const MOST_KEPT = 2_000;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const features = z.object({ genesis_hash: hash });
const tipAnswer = z.object({ height: z.number().int().min(0) });
const historyAnswer = z.array(z.object({ tx_hash: hash, height: z.number().int() }));
const rawAnswer = z.string().regex(/^([0-9a-f]{2})+$/);

/** What a transaction pays, by the hash of the script that it pays to. */
type Paid = { scriptHash: string; vout: number; amountSat: bigint }[];

/** A server of the Electrum protocol: it tells of payments by itself. */
export class ElectrumServer implements ChainServer {
  readonly name: string;
  readonly network: Network;
  readonly #rpc: ElectrumRpc;
  readonly #clock: Clock;
  readonly #state: { tip: number; news: Set<string> };
  readonly #followed = new Set<string>();
  /** What transactions pay never changes. */
  readonly #paid = new Map<string, Paid>();
  #askedAt: number;

  private constructor(
    o: { name: string; network: Network; rpc: ElectrumRpc; clock: Clock },
    state: { tip: number; news: Set<string> },
  ) {
    this.name = o.name;
    this.network = o.network;
    this.#rpc = o.rpc;
    this.#clock = o.clock;
    this.#state = state;
    this.#askedAt = o.clock.monotonic();
  }

  /** Connects, learns which chain it is, and follows its newest block. */
  static async open(
    o: { name: string; address: ElectrumAddress; clock: Clock },
    signal: AbortSignal,
  ): Promise<ElectrumServer> {
    const state = { tip: 0, news: new Set<string>() };
    const rpc = await ElectrumRpc.connect(o.address, (method, params) => take(state, method, params), signal);
    try {
      await rpc.call("server.version", [CLIENT, PROTOCOL], signal);
      const said = read(features, await rpc.call("server.features", [], signal));
      const network = networkOf(said.genesis_hash);
      const { height } = read(tipAnswer, await rpc.call("blockchain.headers.subscribe", [], signal));
      state.tip = Math.max(state.tip, height);
      return new ElectrumServer({ ...o, network, rpc }, state);
    } catch (error) {
      await rpc.close();
      throw error;
    }
  }

  async tip(signal: AbortSignal): Promise<number> {
    if (this.#rpc.broken) throw this.#rpc.broken;
    if (this.#clock.monotonic() - this.#askedAt >= PING_MS) {
      await this.#ask(z.unknown(), "server.ping", [], signal);
    }
    return this.#state.tip;
  }

  async outputs(
    { scriptHash }: WatchedScript,
    o: { follow: boolean },
    signal: AbortSignal,
  ): Promise<ChainOutput[]> {
    // First: what happens behind the answer is news.
    if (o.follow && !this.#followed.has(scriptHash) && this.#followed.size < MOST_FOLLOWED) {
      await this.#ask(z.unknown(), "blockchain.scripthash.subscribe", [scriptHash], signal);
      this.#followed.add(scriptHash);
    }
    const history = await this.#ask(historyAnswer, "blockchain.scripthash.get_history", [scriptHash], signal);
    const outputs: ChainOutput[] = [];
    for (const { tx_hash: txid, height } of history.slice(0, MOST_PAYMENTS)) {
      for (const paid of await this.#paidBy(txid, signal)) {
        if (paid.scriptHash !== scriptHash) continue;
        // Electrum protocol: 0 is unconfirmed, -1 unconfirmed with unconfirmed parents.
        outputs.push({
          txid,
          vout: paid.vout,
          amountSat: paid.amountSat,
          height: height > 0 ? height : null,
        });
      }
    }
    return outputs;
  }

  news(): string[] {
    const news = [...this.#state.news];
    this.#state.news.clear();
    return news;
  }

  close(): Promise<void> {
    return this.#rpc.close();
  }

  async #paidBy(txid: string, signal: AbortSignal): Promise<Paid> {
    const before = this.#paid.get(txid);
    if (before) return before;
    const raw = await this.#ask(rawAnswer, "blockchain.transaction.get", [txid], signal);
    const paid = paidIn(raw, txid);
    if (this.#paid.size >= MOST_KEPT) this.#paid.clear();
    this.#paid.set(txid, paid);
    return paid;
  }

  async #ask<T>(schema: z.ZodType<T>, method: string, params: unknown[], signal: AbortSignal): Promise<T> {
    this.#askedAt = this.#clock.monotonic();
    return read(schema, await this.#rpc.call(method, params, signal));
  }
}

function take(state: { tip: number; news: Set<string> }, method: string, params: unknown[]): void {
  if (method === "blockchain.headers.subscribe") state.tip = read(tipAnswer, params[0]).height;
  if (method === "blockchain.scripthash.subscribe") state.news.add(read(hash, params[0]));
}

/** Throws for a transaction that isn't the one that was asked for. */
function paidIn(raw: string, txid: string): Paid {
  let transaction: Transaction;
  try {
    transaction = Transaction.fromRaw(Uint8Array.fromHex(raw), {
      // What miners take isn't bound to versions (BIP 68 gives some a meaning, others have none).
      allowUnknownVersion: true,
      allowUnknownInputs: true,
      allowUnknownOutputs: true,
      disableScriptCheck: true,
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ChainError("it gave a transaction that can't be read");
  }
  if (transaction.id !== txid) {
    throw new ChainError("it gave another transaction than the one that was asked for");
  }
  return Array.from({ length: transaction.outputsLength }, (_, vout) => {
    const { script, amount } = transaction.getOutput(vout);
    return { scriptHash: scriptHashOf(script!), vout, amountSat: amount! };
  });
}

function read<T>(schema: z.ZodType<T>, answer: unknown): T {
  const found = schema.safeParse(answer);
  if (!found.success) throw new ChainError("it answers something that can't be understood");
  return found.data;
}
