import type { Command } from "commander";
import { localUrl } from "./connection.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit, table } from "./terminal.ts";

interface Ready {
  ready: boolean;
  degraded: boolean;
  checks: Record<string, { ok: boolean; detail?: string }>;
}

/** `ncc status`: what the running server says of itself. */
export function statusCommand(program: Command, shell: Shell): void {
  program.command("status").description("how the running server is doing").action(() =>
    shell.withApi(async (api) => {
      if (!api.live) {
        throw new CommandError(
          `No server answers at ${localUrl(shell.settings())}. Start one: ncc start`,
          exit.unavailable,
        );
      }
      const ready = await api.call<Ready>("GET", "/status");
      shell.show(ready, () =>
        [
          ready.ready ? (ready.degraded ? "ready, degraded" : "ready") : "not ready",
          table(
            ["", "check", ""],
            Object.entries(ready.checks).map((
              [name, check],
            ) => [check.ok ? "✓" : "✗", name, check.detail ?? ""]),
          ),
        ].join("\n"));
      if (!ready.ready) shell.exitCode = exit.failed;
    })
  );
}
