import { outpointOf } from "./chain_rules.ts";
import type { ChainOutput } from "./chain_server.ts";

/** From this amount on one server's word isn't enough where there are several: 0.01 BTC. */
export const LARGE_SAT = 1_000_000n;

/**
 * What may be believed of what one server says: a large output is doubted unless another server has it in a block, too, also where
 * that one can't be asked.
 */
export async function agreed(
  said: readonly ChainOutput[],
  other: () => Promise<readonly ChainOutput[] | null>,
): Promise<ChainOutput[]> {
  const total = said.reduce((sum, { amountSat }) => sum + amountSat, 0n);
  if (total < LARGE_SAT || said.every(({ height }) => height === null)) return [...said];
  const confirmed = new Set((await other() ?? []).filter(({ height }) => height !== null).map(outpointOf));
  return said.map((output) => confirmed.has(outpointOf(output)) ? output : { ...output, doubted: true });
}
