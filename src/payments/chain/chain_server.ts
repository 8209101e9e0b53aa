import type { Network } from "../wallet.ts";

/** An output that pays to one of our addresses, as a server has it. */
export interface ChainOutput {
  /** 64 hex digits. */
  txid: string;
  vout: number;
  amountSat: bigint;
  /** Of its block; null: it is in none yet. */
  height: number | null;
  /** Another server doesn't say the same: it isn't money yet. */
  doubted?: true;
}

/** What is asked about. */
export interface WatchedScript {
  address: string;
  /** Electrum protocol's name of its script. */
  scriptHash: string;
}

/** A connection to a server that knows the chain. Every call ends when `signal` does. Throws ChainErrors. */
export interface ChainServer {
  /** For people and logs. */
  readonly name: string;
  /** Which chain it follows. */
  readonly network: Network;
  /** The height of the newest block. */
  tip(signal: AbortSignal): Promise<number>;
  /** All that was ever paid to an address and stands now. `follow`: news of it are wanted, where the server tells any. */
  outputs(script: WatchedScript, o: { follow: boolean }, signal: AbortSignal): Promise<ChainOutput[]>;
  /** Script hashes of which there were news since the last call. */
  news(): string[];
  close(): Promise<void>;
}

/** Connects to a server and learns which chain it follows. */
export interface ServerChoice {
  /** For people and logs. */
  name: string;
  open(signal: AbortSignal): Promise<ChainServer>;
}

/** Why a server didn't say what it was asked. The message is for the merchant. */
export class ChainError extends Error {
  override readonly name = "ChainError";
}

/** The first block of each network that isn't somebody's own. */
const GENESIS: Record<string, Network> = {
  "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f": "bc",
  "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943": "tb",
  // testnet4
  "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043": "tb",
  "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6": "tbs",
  "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206": "bcrt",
};

/** The network whose first block this is. Throws for a chain that nobody is paid on here. */
export function networkOf(genesis: string): Network {
  const network = GENESIS[genesis.toLowerCase()];
  if (network) return network;
  throw new ChainError(`it follows an unknown chain (its first block is ${genesis.slice(0, 16)}…)`);
}
