import type { Command } from "commander";
import { exampleEnvironment, type Setting, settingsTable } from "../settings.ts";
import { nearest } from "../settings_reader.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit } from "./terminal.ts";

/** `ncc help`: about a command, or the settings. */
export function helpCommand(program: Command, shell: Shell): void {
  program.command("help [topic...]").description("about a command, or `settings`")
    .option("--env", "with `settings`: as an annotated environment file (.env.example)")
    .action((topic: string[], o: { env?: boolean }) => {
      const { terminal } = shell.world;
      if (topic[0] === "settings") {
        if (o.env === true) return terminal.out(settingsExample().trimEnd());
        return shell.show(settingsList(), settingsHelp);
      }
      terminal.out(find(program, topic).helpInformation().trimEnd());
    });
}

/** The settings as an annotated environment file: `.env.example` holds exactly this. */
export function settingsExample(): string {
  return `# The settings of ncc, with their defaults (or an example where there is none).
# They are read from the environment, and from <data>/ncc.env (0600), which \`ncc init\` writes. Flags win over both.
# Made by: deno task ncc help settings --env > .env.example

${exampleEnvironment()}`;
}

function find(program: Command, words: string[]): Command {
  let found = program;
  for (const word of words) {
    const names = found.commands.map((one) => one.name());
    const next = found.commands.find((one) => one.name() === word);
    if (!next) {
      const guess = nearest(word, found === program ? [...names, "settings"] : names);
      throw new CommandError(
        `There is no command ${words.join(" ")}.${
          guess === null ? "" : ` Did you mean ${guess}?`
        } See: ncc help`,
        exit.usage,
      );
    }
    found = next;
  }
  return found;
}

const entries = () => Object.entries<Setting<unknown>>(settingsTable);

function settingsList() {
  return entries().map(([key, { about, default: byDefault, example, secret }]) => ({
    key,
    about,
    default: byDefault ?? null,
    example,
    secret: secret === true,
  }));
}

function settingsHelp(): string {
  const lines = [
    "Settings, from flags (--port for NCC_PORT; not for secrets), the environment, or <data>/ncc.env, which",
    "`ncc init` writes; the first of these wins.",
    "",
  ];
  for (const [key, entry] of entries()) {
    lines.push(`  ${key}${entry.secret ? `  (or ${key}_FILE)` : ""}`, `      ${entry.about}`);
    lines.push(
      `      ${entry.default ? `Default: ${entry.default}.` : "No default."} Example: ${entry.example}`,
    );
  }
  return lines.join("\n");
}
