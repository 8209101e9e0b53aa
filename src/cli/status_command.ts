import type { Command } from "commander";
import { connectToServer } from "./connection.ts";
import type { Shell } from "./shell.ts";
import { exit, table } from "./terminal.ts";

/** `ncc status`: what the running server says of itself. */
export function statusCommand(program: Command, shell: Shell): void {
  program.command("status").description("how the running server is doing").action(async () => {
    const api = await connectToServer(shell.settings(), shell.log("error"));
    const health = await api.health();
    shell.show(health, () =>
      [
        health.ready ? (health.degraded ? "ready, degraded" : "ready") : "not ready",
        "",
        table(
          ["", "check", ""],
          Object.entries(health.checks).map((
            [name, check],
          ) => [check.ok ? "✓" : "✗", name, check.detail]),
        ),
      ].join("\n"));
    if (!health.ready) shell.exitCode = exit.failed;
  });
}
