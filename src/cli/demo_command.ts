import type { Command } from "commander";
import { App } from "../app.ts";
import { systemClock } from "../clock.ts";
import { checkInvariants } from "../demo/invariants.ts";
import { type CallApi, tellStory } from "../demo/story.ts";
import { DemoWallet } from "../payments/demo_wallet.ts";
import { systemRandom } from "../random.ts";
import { readSettings } from "../settings_reader.ts";
import { logTo } from "./log_output.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit, printable } from "./terminal.ts";

const FOLDER = "./data/demo";

/** `ncc demo`: a whole shop with customers on this machine alone, told as it happens, its books checked at the end. */
export function demoCommand(program: Command, shell: Shell): void {
  program.command("demo").description("watch a shop sell: offline, no configuration, no real money")
    .option("--exit", "end when the story is told: 0 when every invariant holds, else 1")
    .option("--port <n>", "port to listen on", "0")
    .action(async (o: { exit?: boolean; port: string }) => {
      const { terminal, terminated } = shell.world;
      const began = performance.now();
      const log = logTo(terminal, "warn", terminal.interactive);
      const read = readSettings(
        { NCC_DATA_DIR: FOLDER, NCC_PORT: o.port, NCC_RATES: "fixed:EUR=90000" },
        () => "",
      );
      if (!read.ok) throw new CommandError(`--port ${o.port}: ${read.problems[0]!.reason}`, exit.usage);
      forget();
      const wallet = new DemoWallet({ clock: systemClock, random: systemRandom, log });
      const app = await App.open({
        settings: read.settings,
        clock: systemClock,
        random: systemRandom,
        log,
        wallet,
      });
      const tell = (who: string, what: string) => {
        const at = `${((performance.now() - began) / 1000).toFixed(1)}s`;
        if (!shell.json) terminal.out(`  ${at.padStart(6)}  ${who.padEnd(9)} ${printable(what)}`);
      };
      try {
        await app.start();
        if (!shell.json) {
          terminal.out(`  demo shop · relay and API on ${app.url} · demo wallet · no network used\n`);
        }
        const call = caller(app);
        const told = await tellStory(app, wallet, call, tell);
        const invariants = await checkInvariants(told, wallet, call);
        for (const customer of told.customers) await customer.close();
        const broken = invariants.filter((one) => !one.holds);
        shell.show(
          { ok: broken.length === 0, invariants },
          () =>
            `\n  Invariants ${broken.length === 0 ? "✓" : "✗"} ${
              invariants.length - broken.length
            }/${invariants.length}   ${
              invariants.map((one) => `${one.holds ? "" : "✗ "}${one.name} ${one.detail}`).join(" · ")
            }`,
        );
        if (broken.length > 0) shell.exitCode = exit.failed;
        if (o.exit !== true) {
          if (!shell.json) {
            terminal.out(
              `\n  The shop stays open until Ctrl-C.\n  API    ${app.url}/api/v1   token in ${app.adminTokenPath}\n  Relay  ${
                app.url.replace(/^http/, "ws")
              }/relay`,
            );
          }
          await terminated;
        }
      } finally {
        await app.stop();
        forget();
      }
    });
}

function caller(app: App): CallApi {
  return async <T>(method: string, path: string, body?: unknown) => {
    const response = await app.fetch(
      new Request(`${app.url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${app.adminToken}`, "content-type": "application/json" },
        body: body === undefined ? null : JSON.stringify(body),
      }),
    );
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  };
}

function forget(): void {
  try {
    Deno.removeSync(FOLDER, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
