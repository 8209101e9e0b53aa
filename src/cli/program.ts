import { Command, CommanderError } from "commander";
import meta from "../../deno.json" with { type: "json" };
import { errorText } from "../log.ts";
import { type Setting, settingsTable } from "../settings.ts";
import { catalogueCommands } from "./catalogue_commands.ts";
import { demoCommand } from "./demo_command.ts";
import { doctorCommand } from "./doctor_command.ts";
import { initCommand } from "./init_command.ts";
import { keyCommands } from "./key_commands.ts";
import { orderCommands } from "./order_commands.ts";
import { Shell, type World } from "./shell.ts";
import { startCommand } from "./start_command.ts";
import { statusCommand } from "./status_command.ts";
import { CommandError, exit } from "./terminal.ts";

/** Runs one command line and answers the exit code. Nothing else of the program ends the process. */
export async function run(args: string[], world: World): Promise<number> {
  const shell = new Shell(world);
  try {
    await program(shell).parseAsync(args, { from: "user" });
    return shell.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exit.ok : exit.usage;
    if (error instanceof CommandError) {
      world.terminal.err(error.message.startsWith("✗") ? error.message : `✗ ${error.message}`);
      return error.code;
    }
    world.terminal.err(`✗ ${errorText(error)}`);
    return exit.failed;
  }
}

function program(shell: Shell): Command {
  const { terminal } = shell.world;
  const ncc = new Command("ncc")
    .description("Nostr Commerce Coordinator: sells on Nostr (NIP-15) for a merchant")
    .option("--json", "print JSON")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .hook("preAction", (_, action) => {
      shell.json = action.optsWithGlobals().json === true ||
        !terminal.interactive && ncc.opts().json === true;
    });
  startCommand(ncc, shell);
  demoCommand(ncc, shell);
  initCommand(ncc, shell);
  doctorCommand(ncc, shell);
  statusCommand(ncc, shell);
  catalogueCommands(ncc, shell);
  orderCommands(ncc, shell);
  keyCommands(ncc, shell);
  ncc.command("version").description("the program's version").action(() =>
    shell.show(
      { version: meta.version, deno: Deno.version.deno },
      () => `ncc ${meta.version} · deno ${Deno.version.deno}`,
    )
  );
  ncc.helpCommand(false);
  ncc.command("help [topic]").description("about a command, or `settings`").action((topic?: string) => {
    if (topic === "settings") return terminal.out(settingsHelp());
    const command = ncc.commands.find((one) => one.name() === topic) ?? ncc;
    terminal.out(command.helpInformation().trimEnd());
  });
  for (const command of everyCommand(ncc)) command.option("--json", "print JSON").exitOverride();
  return ncc;
}

function* everyCommand(command: Command): Iterable<Command> {
  for (const child of command.commands) {
    if (child.commands.length === 0) yield child;
    yield* everyCommand(child);
  }
}

function settingsHelp(): string {
  const lines = ["Settings, from the environment (or <data>/ncc.env, which `ncc init` writes):", ""];
  for (const [key, entry] of Object.entries<Setting<unknown>>(settingsTable)) {
    lines.push(`  ${key}${entry.secret ? `  (or ${key}_FILE)` : ""}`, `      ${entry.about}`);
    lines.push(
      `      ${entry.default ? `Default: ${entry.default}.` : "No default."} Example: ${entry.example}`,
    );
  }
  return lines.join("\n");
}
