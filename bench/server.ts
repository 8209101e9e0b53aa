/**
 * `ncc` as it is started, but, unless a wallet is set, with one that pays on a word: every line on stdin is an invoice that
 * somebody pays.
 * Argument: settings as JSON. The first line on stdout says where it is reached.
 */
import { App } from "../src/app.ts";
import { systemClock } from "../src/clock.ts";
import { createLog } from "../src/log.ts";
import { DemoWallet } from "../src/payments/demo_wallet.ts";
import { systemRandom } from "../src/random.ts";
import { readSettings } from "../src/settings_reader.ts";

if (import.meta.main) {
  const read = readSettings(JSON.parse(Deno.args[0]!) as Record<string, string>, () => "");
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const log = createLog(({ level, event, fields }) => {
    Deno.stderr.writeSync(new TextEncoder().encode(`${level} ${event} ${JSON.stringify(fields)}\n`));
  }, "warn");
  const parts = { clock: systemClock, random: systemRandom, log };
  const wallet = new DemoWallet(parts);
  const own = read.settings.NCC_WALLET === undefined ? { wallet } : {};
  const app = await App.open({ ...parts, settings: read.settings, ...own });
  const { url } = await app.start();
  const merchant = app.merchants.all()[0]!.pubkey;
  Deno.stdout.writeSync(
    new TextEncoder().encode(`${JSON.stringify({ url, merchant, token: app.adminToken })}\n`),
  );
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const settled = await wallet.settle(line);
      if (!settled.ok) log.error("bench.not_settled", { reason: settled.reason });
    }
  }
  await app.stop();
  // Everything has ended; what keeps a runtime alive here is a profiler at most.
  Deno.exit(0);
}
