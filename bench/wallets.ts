/**
 * `deno run -A bench/wallets.ts [adapter …]`: how long a checkout takes with each wallet adapter, one at a time, beside the demo
 * wallet in the same run. The wallets' servers answer from this machine and without a network: what is measured is `ncc`, its
 * adapter and the protocol. A payment without a hint shows as seconds: the wallet is asked every 5 s.
 */
import { loadVerifier } from "../src/nostr/verify.ts";
import { Buyers } from "./buyers.ts";
import { NccServer } from "./ncc_server.ts";
import { orderText } from "./order_text.ts";
import { type PaperWallet, paperWallets } from "./paper_wallets.ts";

const CHECKOUTS = 60;
/** Of a wallet that tells of no payment by itself. */
const SLOW_CHECKOUTS = 10;
const WARM_UP = 10;

if (import.meta.main) {
  const wanted = Deno.args.length > 0 ? Deno.args : ["demo", ...Object.keys(paperWallets)];
  say(
    `  ${CHECKOUTS} checkouts (${SLOW_CHECKOUTS} where payments are found by asking), one at a time, SQLite, NIP-04\n`,
  );
  for (const name of wanted) {
    await using wallet = await paperWallets[name]?.() ?? null;
    await measure(name, wallet);
  }
  Deno.exit(0);
}

async function measure(name: string, wallet: PaperWallet | null): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "ncc-bench-" });
  const server = await NccServer.start({
    NCC_DATA_DIR: dataDir,
    NCC_PORT: "0",
    NCC_DM_RATE: "1000/s",
    NCC_MAX_OPEN_ORDERS: "1000",
    ...(wallet && { NCC_WALLET: wallet.url }),
  }, null);
  try {
    await server.openShop();
    const buyers = new Buyers({
      number: 0,
      relay: `${server.url.replace(/^http/, "ws")}/relay`,
      merchant: server.merchant,
      envelope: "nip04",
      crypto: await loadVerifier(),
      pay: (bolt11) => wallet ? void wallet.pay(bolt11) : server.pay(bolt11),
    });
    await buyers.connect();
    const count = wallet?.silent ? SLOW_CHECKOUTS : CHECKOUTS;
    const all = (await buyers.prepare(Math.ceil((count + WARM_UP) / 10), orderText)).slice(
      0,
      count + WARM_UP,
    );
    for (const one of all) await buyers.buy(one);
    const some = all.slice(WARM_UP);
    say(
      `    ${name.padEnd(10)} order → request ${times(some.map((one) => one.requestedAt - one.sentAt))}   ` +
        `paid → told ${times(some.map((one) => one.toldAt - one.requestedAt))}`,
    );
    await buyers.close();
  } finally {
    await server.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
}

function times(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return `p50 ${at(0.5).toFixed(1)} ms · p99 ${at(0.99).toFixed(1)} ms`;
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
