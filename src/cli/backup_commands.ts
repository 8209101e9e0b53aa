import type { Command } from "commander";
import { BackupError, backupsOf, LEFT_OUT, makeBackup } from "../app/backups.ts";
import { systemClock } from "../clock.ts";
import type { Shell } from "./shell.ts";
import { CommandError, table } from "./terminal.ts";

/** `ncc backup`: the database's copy, whether a server runs or not. */
export function backupCommands(program: Command, shell: Shell): void {
  const backup = program.command("backup").description("copies the database, also while the server runs")
    .argument("[file]", "where to; else into <data>/backups, where the newest NCC_BACKUPS_KEEP are kept")
    .action(async (file?: string) => {
      const settings = shell.settings();
      try {
        const made = await makeBackup(settings, {
          now: systemClock.now(),
          ...(file !== undefined && { file }),
        });
        const shown = { ...made, at: new Date(made.at).toISOString(), left_out: LEFT_OUT };
        shell.show(shown, () =>
          [
            `${made.path}  ${size(made.bytes)}, verified.`,
            ...(made.removed.length > 0
              ? [`Removed, as older than the newest: ${made.removed.join(", ")}`]
              : []),
            LEFT_OUT,
            `To go back to it: stop the server, then ncc restore ${made.path}`,
          ].join("\n"));
      } catch (error) {
        if (error instanceof BackupError) throw new CommandError(error.message);
        throw error;
      }
    });
  backup.command("list").description("those in <data>/backups, newest first").action(async () => {
    const found = await backupsOf(shell.settings());
    const shown = found.map((one) => ({ ...one, at: new Date(one.at).toISOString() }));
    shell.show(shown, () =>
      found.length === 0 ? "No backups." : table(
        ["made", "size", "file"],
        shown.map((one) => [one.at.slice(0, 16).replace("T", " "), size(one.bytes), one.path]),
      ));
  });
}

function size(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
