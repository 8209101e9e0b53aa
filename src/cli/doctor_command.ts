import type { Command } from "commander";
import { diagnose, type Finding } from "../app/diagnosis.ts";
import { systemClock } from "../clock.ts";
import { createLog } from "../log.ts";
import { systemRandom } from "../random.ts";
import type { Shell } from "./shell.ts";
import { exit, printable } from "./terminal.ts";

const marks = { ok: "✓", warning: "!", problem: "✗" } as const;

/** `ncc doctor`: looks at everything that the shop needs and names each problem with its remedy. */
export function doctorCommand(program: Command, shell: Shell): void {
  program.command("doctor").description(
    "check the set-up: key, data, database, port, relays, wallet, rates, Medusa",
  )
    .action(async () => {
      const findings = await look(shell);
      const problems = findings.filter((finding) => finding.state === "problem").length;
      shell.show({ ok: problems === 0, findings }, () => text(findings, problems));
      if (problems > 0) shell.exitCode = exit.failed;
    });
}

/** Settings that can't be read are all that there is to say; else everything is looked at. */
async function look(shell: Shell): Promise<Finding[]> {
  const read = shell.readSettings();
  if (read.ok) {
    // What the log would say of relays and wallets is in the findings.
    const log = createLog(() => {}, "error");
    return await diagnose({ settings: read.settings, clock: systemClock, random: systemRandom, log });
  }
  return read.problems.map(({ key, value, reason, example }) => ({
    what: key,
    state: "problem" as const,
    detail: value === null ? reason : `${value} ${reason}`,
    remedy: example === null ? "See: ncc help settings" : `For example ${key}=${example}`,
  }));
}

function text(findings: Finding[], problems: number): string {
  const width = Math.max(9, ...findings.map((finding) => finding.what.length));
  const lines = findings.flatMap(({ what, state, detail, remedy }) => [
    `${marks[state]} ${what.padEnd(width)} ${printable(detail)}`,
    ...(remedy ? [`${" ".repeat(width + 3)}→ ${printable(remedy)}`] : []),
  ]);
  return [
    ...lines,
    "",
    problems === 0 ? "No problem found." : `${problems} problem${problems === 1 ? "" : "s"} found.`,
  ].join("\n");
}
