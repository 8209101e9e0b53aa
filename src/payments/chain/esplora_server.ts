import { z } from "zod";
import type { Clock } from "../../clock.ts";
import type { Network } from "../wallet.ts";
import { WalletHttp } from "../wallets/wallet_http.ts";
import {
  ChainError,
  type ChainOutput,
  type ChainServer,
  networkOf,
  type WatchedScript,
} from "./chain_server.ts";

/** It tells nothing by itself: the newest block is asked for so often. */
const POLL_MS = 30_000;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const height = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]).pipe(
  z.number().int().min(0),
);
const transactions = z.array(z.object({
  txid: hash,
  vout: z.array(z.object({ scriptpubkey_address: z.string().optional(), value: z.number().int().min(0) })),
  status: z.object({ confirmed: z.boolean(), block_height: z.number().int().nullish() }),
}));

/** A server of Esplora's HTTP interface, as mempool.space and Blockstream have it. */
export class EsploraServer implements ChainServer {
  readonly name: string;
  readonly network: Network;
  readonly #http: WalletHttp;
  readonly #clock: Clock;
  #tip: { height: number; at: number };

  private constructor(o: { name: string; http: WalletHttp; clock: Clock; network: Network; tip: number }) {
    this.name = o.name;
    this.network = o.network;
    this.#http = o.http;
    this.#clock = o.clock;
    this.#tip = { height: o.tip, at: o.clock.monotonic() };
  }

  /** Learns which chain it is and how high. */
  static async open(
    o: { name: string; base: URL; clock: Clock },
    signal: AbortSignal,
  ): Promise<EsploraServer> {
    const http = new WalletHttp({ name: "Esplora", base: o.base, headers: { accept: "*/*" } });
    try {
      const network = networkOf(await ask(http, hash, "block-height/0", signal));
      const tip = await ask(http, height, "blocks/tip/height", signal);
      return new EsploraServer({ ...o, http, network, tip });
    } catch (error) {
      http.close();
      throw error;
    }
  }

  async tip(signal: AbortSignal): Promise<number> {
    const now = this.#clock.monotonic();
    if (now - this.#tip.at >= POLL_MS) {
      this.#tip = { height: await ask(this.#http, height, "blocks/tip/height", signal), at: now };
    }
    return this.#tip.height;
  }

  async outputs(
    { address }: WatchedScript,
    _: { follow: boolean },
    signal: AbortSignal,
  ): Promise<ChainOutput[]> {
    // Those in no block and the newest that are in one: an address of one order has no more.
    const all = await ask(this.#http, transactions, `address/${address}/txs`, signal);
    return all.flatMap(({ txid, vout, status }) =>
      vout.flatMap(({ scriptpubkey_address, value }, n) =>
        scriptpubkey_address === address
          ? [{
            txid,
            vout: n,
            amountSat: BigInt(value),
            height: status.confirmed ? status.block_height ?? null : null,
          }]
          : []
      )
    );
  }

  news(): string[] {
    return [];
  }

  close(): Promise<void> {
    this.#http.close();
    return Promise.resolve();
  }
}

async function ask<T>(http: WalletHttp, schema: z.ZodType<T>, path: string, signal: AbortSignal): Promise<T> {
  const { status, body } = await http.ask("GET", path, {}, signal);
  if (status !== 200) throw new ChainError(`it refused (HTTP ${status})`);
  const read = schema.safeParse(body);
  if (!read.success) throw new ChainError("it answers something that can't be understood");
  return read.data;
}
