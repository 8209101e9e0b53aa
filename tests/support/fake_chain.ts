import {
  ChainError,
  type ChainOutput,
  type ChainServer,
  type ServerChoice,
} from "../../src/payments/chain/chain_server.ts";
import { type AccountRead, type ChainAccount, readAccount } from "../../src/payments/chain/account.ts";
import type { Network } from "../../src/payments/wallet.ts";

/** A key of BIP 84's kind for test networks, made up for these tests. */
export const TEST_KEY =
  "tpubDDoDtGMYXVEpXmkSToHe8j5XbxYTnkGmokMfRyVff45ixcayroo7DnsuzyGqcndnZMfYZ5xWLEq7ZFibwxXbMDRdWe5YFxLGjyi4KxL8MhW";

export function testAccount(): ChainAccount {
  const read: AccountRead = readAccount(TEST_KEY);
  if (!read.ok) throw new Error(read.reason);
  return read.account;
}

/** A chain that a test makes: blocks, payments and their replacement, as servers tell of them. */
export class FakeChain {
  tip = 100;
  /** Where servers say that nothing is known. */
  readonly silent = new Set<string>();
  away = false;
  /** Servers that nobody reaches. */
  readonly dead = new Set<string>();
  /** Addresses that servers say nothing of, as if they were asked too much. */
  readonly refused = new Set<string>();
  /** How often an address was asked about. */
  readonly asked = new Map<string, number>();
  readonly #outputs: (ChainOutput & { address: string })[] = [];
  readonly #connections = new Set<Set<string>>();
  #count = 0;

  /** Somebody sends to an address, unconfirmed; the transaction's id. `wakes`: servers tell of it. */
  pays(address: string, amountSat: bigint, wakes = true): string {
    const txid = String(++this.#count).padStart(64, "0");
    this.#outputs.push({ address, txid, vout: 0, amountSat, height: null });
    if (wakes) this.#tell(address);
    return txid;
  }

  /** Another block, with everything that was in none. */
  mine(blocks = 1): void {
    for (let i = 0; i < blocks; i++) {
      this.tip++;
      for (const output of this.#outputs) output.height ??= this.tip;
    }
  }

  /** A transaction is gone, as if its coins had gone elsewhere (BIP 125). */
  drop(txid: string): void {
    const at = this.#outputs.findIndex((output) => output.txid === txid);
    const [gone] = this.#outputs.splice(at, 1);
    this.#tell(gone!.address);
  }

  /** The newest block is replaced by two without the transactions of the old one. */
  reorganise(): void {
    for (const output of this.#outputs) if (output.height === this.tip) output.height = null;
    this.tip++;
  }

  /** A server of it. */
  server(name = "chain", network: Network = "bcrt"): ServerChoice {
    return { name, open: () => Promise.resolve().then(() => this.#open(name, network)) };
  }

  #open(name: string, network: Network): ChainServer {
    const connection = new Set<string>();
    const check = () => {
      if (this.away || this.dead.has(name)) throw new ChainError("nobody is there");
    };
    check();
    this.#connections.add(connection);
    return {
      name,
      network,
      tip: () => Promise.resolve().then(() => (check(), this.tip)),
      outputs: ({ address }) =>
        Promise.resolve().then(() => {
          check();
          this.asked.set(address, (this.asked.get(address) ?? 0) + 1);
          if (this.refused.has(address)) throw new ChainError("it refused (HTTP 429)");
          if (this.silent.has(name)) return [];
          return this.#outputs.filter((one) => one.address === address)
            .map(({ txid, vout, amountSat, height }) => ({ txid, vout, amountSat, height }));
        }),
      news: () => {
        const news = [...connection];
        connection.clear();
        return news;
      },
      close: () => Promise.resolve(void this.#connections.delete(connection)),
    };
  }

  #tell(address: string): void {
    const account = testAccount();
    for (let index = 0; index < 100; index++) {
      const derived = account.derive(index, "bcrt");
      if (derived.address !== address) continue;
      for (const connection of this.#connections) connection.add(derived.scriptHash);
    }
  }
}
