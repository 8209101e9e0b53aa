import type { Network } from "../wallet.ts";
import type { ChainAccount } from "./account.ts";
import type { ChainServer } from "./chain_server.ts";
import type { ChainAccountRow } from "./chain_store.ts";

export interface AccountSearch {
  account: ChainAccount;
  network: Network;
  server: Pick<ChainServer, "outputs">;
  gapLimit: number;
  /** As the books have it; undefined: they don't. */
  known: ChainAccountRow | undefined;
  signal: AbortSignal;
}

/**
 * The first index that may be given out: behind every address that the chain has a payment to (BIP 44: until `gapLimit` in a row
 * have none). For an account that the books know from before a restore it lies further by that limit, because so many may have
 * been given out that nobody has paid to.
 */
export async function firstUnused(o: AccountSearch): Promise<number> {
  const { account, network, server, gapLimit, known, signal } = o;
  const begin = known?.next_index ?? 0;
  let first = begin;
  for (let index = begin; index < first + gapLimit; index++) {
    const script = account.derive(index, network);
    if ((await server.outputs(script, { follow: false }, signal)).length > 0) first = index + 1;
  }
  return known ? first + gapLimit : first;
}
