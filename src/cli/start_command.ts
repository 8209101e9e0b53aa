import type { Command } from "commander";
import { App } from "../app.ts";
import { checkPort } from "../app/http_server.ts";
import { leaveAddress, takeAddressBack } from "../app/running_server.ts";
import { systemClock } from "../clock.ts";
import type { Log } from "../log.ts";
import { systemRandom } from "../random.ts";
import type { Shell } from "./shell.ts";
import { reportStart } from "./start_report.ts";

/** SIGTERM ends the process within 10 s (design §9); what isn't done by then goes on at the next start. */
const DRAIN_MS = 9_000;

/** `ncc start`, also what `ncc` alone means. */
export function startCommand(program: Command, shell: Shell): void {
  program.command("start").description("run the coordinator (also what `ncc` alone does)")
    .option("--backed-up", "PostgreSQL: a backup was made, the schema may be changed")
    .action(async (o: { backedUp?: boolean }) => {
      const began = performance.now();
      const { terminated } = shell.world;
      const settings = shell.settings();
      // Before anything is made: a start that can't succeed leaves nothing behind.
      if (settings.NCC_PORT !== 0) checkPort(settings.NCC_HOST, settings.NCC_PORT);
      const log = shell.log(settings.NCC_LOG);
      const app = await App.open({
        settings,
        clock: systemClock,
        random: systemRandom,
        log,
        backedUp: o.backedUp === true,
        stopped: whenever(terminated),
      });
      try {
        const { url, port } = await app.start();
        leaveAddress(settings, port);
        const ready = { url, ms: Math.round(performance.now() - began) };
        await reportStart(app, settings, ready, shell, log, terminated);
        const failure = await Promise.race([terminated, app.failed()]);
        if (failure instanceof Error) throw failure;
        if (!shell.human) log.info("stop.draining");
        else shell.world.terminal.out("\n  Stopping: nothing new is taken, what is under way ends.");
      } finally {
        await stop(app, log);
        takeAddressBack(settings, log);
      }
      if (!shell.human) log.info("stop.done");
      else shell.world.terminal.out("  Stopped.");
    });
}

/** Ends the wait for a remote signer that never answered: a start may be broken off. */
function whenever(terminated: Promise<void>): AbortSignal {
  const stopped = new AbortController();
  void terminated.then(() => stopped.abort());
  return stopped.signal;
}

async function stop(app: App, log: Log): Promise<void> {
  const late = new AbortController();
  const patience = systemClock.sleep(DRAIN_MS, late.signal).then(() => {
    if (!late.signal.aborted) log.warn("stop.cut_short", { ms: DRAIN_MS });
  });
  await Promise.race([app.stop(), patience]);
  late.abort();
}
