import type { Command } from "commander";
import meta from "../../deno.json" with { type: "json" };
import { App } from "../app.ts";
import { systemClock } from "../clock.ts";
import { systemRandom } from "../random.ts";
import { npub } from "../nostr/keys.ts";
import { logTo } from "./log_output.ts";
import type { Shell } from "./shell.ts";
import { exit } from "./terminal.ts";

/** `ncc start`, also what `ncc` alone means. */
export function startCommand(program: Command, shell: Shell): void {
  program.command("start", { isDefault: true }).description("run the coordinator")
    .option("--backed-up", "PostgreSQL: a backup was made, the schema may be changed")
    .action(async (o: { backedUp?: boolean }) => {
      const began = performance.now();
      const { terminal, terminated } = shell.world;
      const settings = shell.settings();
      const say = (mark: string, what: string, text: string) => {
        if (terminal.interactive && !shell.json) terminal.out(`  ${mark} ${what.padEnd(9)} ${text}`);
      };
      const log = logTo(terminal, settings.NCC_LOG, terminal.interactive && !shell.json);
      if (terminal.interactive && !shell.json) {
        terminal.out(
          `\n  ncc ${meta.version} · Nostr Commerce Coordinator · deno ${Deno.version.deno} · pid ${Deno.pid}\n`,
        );
      }
      const app = await App.open({
        settings,
        clock: systemClock,
        random: systemRandom,
        log,
        backedUp: o.backedUp === true,
      });
      try {
        const { url } = await app.start();
        const seen = await app.summary();
        say("✓", "data", `${settings.NCC_DATA_DIR}${seen.dataCreated ? " (created, 0700)" : ""}`);
        say(
          "✓",
          "database",
          `${seen.database} (schema ${seen.schema}) — ${seen.orders} orders, ${seen.openOrders} open`,
        );
        for (const merchant of seen.merchants) {
          say(
            "✓",
            "key",
            `${npub(merchant.pubkey)}${
              merchant.keyCreated ? " — new, made now. Back it up: ncc key export --encrypted" : ""
            }`,
          );
          if (merchant.wallet === null) {
            say("!", "wallet", 'none yet. Orders are answered "can\'t take payments yet". Set NCC_WALLET.');
          } else say(merchant.walletError ? "✗" : "✓", "wallet", merchant.walletError ?? merchant.wallet);
        }
        say(
          seen.relays.length > 0 ? "✓" : "!",
          "relays",
          seen.relays.length > 0
            ? seen.relays.join(" ")
            : "only the built-in one. Customers elsewhere won't find the shop: set NCC_RELAYS.",
        );
        say("✓", "relay", `${url.replace(/^http/, "ws")}/relay`);
        if (seen.ratesFixed) say("!", "rates", "fixed by NCC_RATES: they don't follow the market");
        say("✓", "token", `${app.adminTokenPath}`);
        if (terminal.interactive && !shell.json) {
          terminal.out(
            `\n  API  ${url}/api/v1 · ${url}/openapi.json\n  Ready in ${
              ((performance.now() - began) / 1000).toFixed(2)
            } s. Ctrl-C stops; nothing is lost when it stops.\n`,
          );
        }
        log.info("start.ready", { url, pid: Deno.pid, ms: Math.round(performance.now() - began) });
        await terminated;
        log.info("stop.draining");
      } finally {
        await app.stop();
      }
      log.info("stop.done");
      shell.exitCode = exit.ok;
    });
}
