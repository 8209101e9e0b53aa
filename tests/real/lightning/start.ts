import { join } from "node:path";
import { NostrClient } from "../../support/nostr_client.ts";
import { Bitcoind } from "./bitcoind.ts";
import { eventually } from "./daemon.ts";
import { btc, ElectrumNode } from "./electrum_node.ts";
import { ElectrumServer } from "./electrum_server.ts";
import type { Programs } from "./packages.ts";
import { serveWalletRelay, type WalletRelay } from "./wallet_relay.ts";

const FUNDS_SAT = 100_000_000n;
const CHANNEL_SAT = 16_000_000n;
const FUNDED_MS = 60_000;
const CONFIRMATIONS = 6;
const ANNOUNCED_MS = 60_000;

/** A chain of its own and two Lightning nodes with a channel between them, half of its money on either side. */
export interface Lightning extends AsyncDisposable {
  /** Mines blocks and sends coins. */
  readonly chain: Bitcoind;
  /** The Electrum-protocol server of that chain, on `127.0.0.1`, plain TCP. */
  readonly server: ElectrumServer;
  /** The built-in relay that the shop's wallet connections go over. */
  readonly relay: WalletRelay;
  /** The merchant's node, with wallet connections (NIP-47). */
  readonly shop: ElectrumNode;
  /** Everybody else's. */
  readonly customer: ElectrumNode;
  readonly connections: Connections;
  /** The end of what each of the programs has logged. */
  logs(): Promise<string>;
}

/** The shop's wallet connections; made at once, since the node announces them one by one, 3 s apart. */
export interface Connections {
  /** It may make invoices and look them up. */
  receive: string;
  /** It may pay, too. */
  spend: string;
  /** Its time is over. */
  expired: string;
}

/** Starts all of it; what has begun is ended when something fails, and its logs are in the error. */
export async function startLightning(programs: Programs & { ok: true }): Promise<Lightning> {
  const dir = await Deno.makeTempDir({ prefix: "ncc-lightning-" });
  const stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  try {
    const folder = async (name: string) => {
      await Deno.mkdir(join(dir, name));
      return join(dir, name);
    };
    const relay = stack.use(await serveWalletRelay());
    const chain = stack.use(await Bitcoind.start(programs.bitcoind, await folder("chain")));
    const server = stack.use(await ElectrumServer.serve(chain));
    chain.onChange = () => server.sync();
    const begin = async (name: string) => {
      const o = { program: programs.electrum, dir: await folder(name), name, serverPort: server.port };
      return stack.use(await ElectrumNode.start({ ...o, relay: relay.url }));
    };
    const [shop, customer] = await Promise.all([begin("shop"), begin("customer")]);
    const connections = {
      receive: await shop.connection("receive", 0n),
      spend: await shop.connection("spend", FUNDS_SAT),
      expired: await shop.connection("expired", 0n, 1),
    };
    await openChannel(chain, customer, shop);
    await announced(relay.url, Object.values(connections));
    const disposed = stack.move();
    return {
      chain,
      server,
      relay,
      shop,
      customer,
      connections,
      logs: () => logsIn(dir),
      [Symbol.asyncDispose]: () => disposed.disposeAsync(),
    };
  } catch (error) {
    const logs = await logsIn(dir);
    await stack.disposeAsync();
    throw new Error(`Lightning can't be started: ${error}\n${logs}`, { cause: error });
  }
}

/** From one node's coins, half of it given to the other. */
async function openChannel(chain: Bitcoind, from: ElectrumNode, to: ElectrumNode): Promise<void> {
  await chain.send(await from.rpc<string>("getunusedaddress"), FUNDS_SAT);
  await chain.mine();
  await eventually("the coins are there", FUNDED_MS, async () => {
    return await from.onChainSat() >= FUNDS_SAT || undefined;
  });
  await from.rpc("open_channel", {
    connection_string: await to.address(),
    amount: btc(CHANNEL_SAT),
    push_amount: btc(CHANNEL_SAT / 2n),
  });
  await chain.mine(CONFIRMATIONS);
  await Promise.all([from.channelsOpen(), to.channelsOpen()]);
}

/** Resolves when the node has said on the relay what each connection may do: nobody asks before. */
async function announced(relay: string, connections: string[]): Promise<void> {
  await using client = await NostrClient.connect(relay);
  const filter = { kinds: [13194], authors: connections.map((url) => new URL(url).host) };
  await eventually("the wallet connections are announced", ANNOUNCED_MS, async () => {
    return (await client.query(filter)).length === connections.length || undefined;
  });
}

const LOG_LINES = 40;

async function logsIn(dir: string): Promise<string> {
  const files = ["chain/bitcoind.log", "shop/shop.log", "customer/customer.log"];
  const ends = await Promise.all(files.map(async (file) => {
    const text = await Deno.readTextFile(join(dir, file)).catch(() => "");
    const lines = text.split("\n").filter((line) => !line.includes("synchronizer not set yet"));
    return `── ${file}\n${lines.slice(-LOG_LINES).join("\n")}`;
  }));
  return ends.join("\n");
}
