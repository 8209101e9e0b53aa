import type { Clock } from "../../clock.ts";
import { errorText, type Log } from "../../log.ts";
import { Deadline } from "../../nostr/deadline.ts";
import { outpointOf } from "./chain_rules.ts";
import type { ChainOutput, ChainServer, ServerChoice, WatchedScript } from "./chain_server.ts";

/** From this amount on one server's word isn't enough where there are several: 0.01 BTC. */
export const LARGE_SAT = 1_000_000n;

const ANSWER_MS = 20_000;

/**
 * What may be believed of what one server says: a large output is doubted unless another server has it in a block, too, also where
 * none can be asked. The others are asked one after the other, as long as anything is doubted.
 */
export async function agreed(
  said: readonly ChainOutput[],
  others: () => AsyncIterable<readonly ChainOutput[]>,
): Promise<ChainOutput[]> {
  const total = said.reduce((sum, { amountSat }) => sum + amountSat, 0n);
  const inBlock = said.filter(({ height }) => height !== null).map(outpointOf);
  if (total < LARGE_SAT || inBlock.length === 0) return [...said];
  const confirmed = new Set<string>();
  for await (const other of others()) {
    for (const output of other) if (output.height !== null) confirmed.add(outpointOf(output));
    if (inBlock.every((outpoint) => confirmed.has(outpoint))) break;
  }
  return said.map((output) => confirmed.has(outpointOf(output)) ? output : { ...output, doubted: true });
}

export interface OtherServersOptions {
  clock: Clock;
  log: Log;
  servers: readonly ServerChoice[];
}

/** Asks other servers than the one that watches for what they say of an address. */
export class OtherServers {
  readonly #o: OtherServersOptions;
  /** The one that answered last stays connected. */
  #open: ChainServer | null = null;

  constructor(options: OtherServersOptions) {
    this.#o = options;
  }

  /** What each of them says that can be asked, the one that is connected first. */
  async *outputs(
    server: Pick<ChainServer, "name" | "network">,
    script: WatchedScript,
    signal: AbortSignal,
  ): AsyncGenerator<ChainOutput[]> {
    const { servers, clock, log } = this.#o;
    const others = servers.filter(({ name }) => name !== server.name);
    const first = this.#open?.name;
    for (const choice of others.toSorted((a, b) => Number(b.name === first) - Number(a.name === first))) {
      let said: ChainOutput[];
      try {
        using deadline = new Deadline(clock, ANSWER_MS, signal);
        const other = await this.#connect(choice, deadline.signal);
        if (other.network !== server.network) throw new Error("it follows another network");
        said = await other.outputs(script, { follow: false }, deadline.signal);
      } catch (error) {
        await this.close();
        if (signal.aborted) throw error;
        log.warn("btc.no_second_opinion", { server: choice.name, error: errorText(error) });
        continue;
      }
      yield said;
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    await open?.close();
  }

  async #connect(choice: ServerChoice, signal: AbortSignal): Promise<ChainServer> {
    if (this.#open?.name === choice.name) return this.#open;
    await this.close();
    return this.#open = await choice.open(signal);
  }
}
