import type { Command } from "commander";
import { diagnose, type Finding } from "../app/diagnosis.ts";
import { systemClock } from "../clock.ts";
import { createLog } from "../log.ts";
import { systemRandom } from "../random.ts";
import { readSettings } from "../settings_reader.ts";
import type { Shell } from "./shell.ts";
import { exit, printable } from "./terminal.ts";

const marks = { ok: "✓", warning: "!", problem: "✗" } as const;

/** `ncc doctor`: looks at everything that the shop needs and names each problem with its remedy. */
export function doctorCommand(program: Command, shell: Shell): void {
  program.command("doctor").description("check the set-up: key, data, database, port, relays, wallet, rates")
    .action(async () => {
      const read = readSettings(shell.environment(), shell.world.readFile);
      const findings: Finding[] = read.ok
        ? await diagnose({
          settings: read.settings,
          clock: systemClock,
          random: systemRandom,
          log: createLog(() => {}, "error"),
        })
        : read.problems.map((problem) => ({
          what: problem.key,
          state: "problem" as const,
          detail: problem.value === null ? problem.reason : `${problem.value} ${problem.reason}`,
          remedy: problem.example === null
            ? "See: ncc help settings"
            : `For example ${problem.key}=${problem.example}`,
        }));
      const problems = findings.filter((finding) => finding.state === "problem").length;
      shell.show(
        { ok: problems === 0, findings },
        () =>
          findings.map(({ what, state, detail, remedy }) =>
            `${marks[state]} ${what.padEnd(9)} ${printable(detail)}${
              remedy ? `\n            → ${printable(remedy)}` : ""
            }`
          ).join("\n"),
      );
      if (problems > 0) shell.exitCode = exit.failed;
    });
}
