import { Command } from "commander";
import meta from "../../deno.json" with { type: "json" };
import { backupCommands } from "./backup_commands.ts";
import { customerCommands } from "./customer_commands.ts";
import { demoCommand } from "./demo_command.ts";
import { doctorCommand } from "./doctor_command.ts";
import { failureOf } from "./failure.ts";
import { helpCommand } from "./help_command.ts";
import { initCommand } from "./init_command.ts";
import { keyCommands } from "./key_commands.ts";
import { medusaCommands } from "./medusa_commands.ts";
import { merchantCommands } from "./merchant_commands.ts";
import { orderCommands } from "./order_commands.ts";
import { paymentCommands } from "./payment_commands.ts";
import { productCommands } from "./product_commands.ts";
import { refundCommands } from "./refund_commands.ts";
import { restoreCommands } from "./restore_commands.ts";
import { stallCommands } from "./stall_commands.ts";
import { addSettingFlags, flaggedSettings } from "./settings_flags.ts";
import { Shell, type World } from "./shell.ts";
import { startCommand } from "./start_command.ts";
import { relayCommands } from "./relay_commands.ts";
import { statusCommand } from "./status_command.ts";
import { printableJson, printableLines } from "./terminal.ts";
import { tokenCommands } from "./token_commands.ts";
import { walletCommands } from "./wallet_commands.ts";

/** Runs one command line and answers the exit code. Nothing else of the program ends the process. */
export async function run(args: string[], world: World): Promise<number> {
  const shell = new Shell(world);
  // Known before the command line is understood, so that a misunderstanding is told in the right form too.
  shell.json = args.includes("--json");
  try {
    await program(shell).parseAsync(withStart(args), { from: "user" });
    return shell.exitCode;
  } catch (error) {
    const { message, code } = failureOf(error);
    if (message !== null) tell(shell, message, code);
    return code;
  }
}

/** `ncc` alone, or with nothing but flags, means `ncc start`. */
function withStart(args: string[]): string[] {
  let at = 0;
  while (at < args.length) {
    if (args[at] === "--json" || args[at]!.startsWith("--data-dir=")) at += 1;
    else if (args[at] === "--data-dir") at += 2;
    else break;
  }
  const next = args[at];
  const isCommand = next !== undefined &&
    (!next.startsWith("-") || ["-h", "--help", "-V", "--version"].includes(next));
  return isCommand ? args : [...args.slice(0, at), "start", ...args.slice(at)];
}

function program(shell: Shell): Command {
  const { terminal } = shell.world;
  const ncc = new Command("ncc")
    .description("Nostr Commerce Coordinator: sells on Nostr (NIP-15) for a merchant")
    .version(`ncc ${meta.version}`, "-V, --version", "the program's version")
    .option("--data-dir <path>", "NCC_DATA_DIR: where the shop's data is")
    .helpOption("-h, --help", "about a command")
    .helpCommand(false)
    // What stands after a command is the command's: `ncc demo --port` isn't `ncc --port`.
    .enablePositionalOptions();
  startCommand(ncc, shell);
  demoCommand(ncc, shell);
  initCommand(ncc, shell);
  doctorCommand(ncc, shell);
  statusCommand(ncc, shell);
  merchantCommands(ncc, shell);
  stallCommands(ncc, shell);
  productCommands(ncc, shell);
  medusaCommands(ncc, shell);
  orderCommands(ncc, shell);
  customerCommands(ncc, shell);
  refundCommands(ncc, shell);
  paymentCommands(ncc, shell);
  walletCommands(ncc, shell);
  relayCommands(ncc, shell);
  keyCommands(ncc, shell);
  tokenCommands(ncc, shell);
  backupCommands(ncc, shell);
  restoreCommands(ncc, shell);
  ncc.command("version").description("the program's version").action(() =>
    shell.show(
      { version: meta.version, deno: Deno.version.deno },
      () => `ncc ${meta.version} · deno ${Deno.version.deno}`,
    )
  );
  helpCommand(ncc, shell);
  for (const command of everyCommand(ncc)) {
    command.option("--json", "print JSON").exitOverride().configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      outputError: (text) => tell(shell, text.trimEnd().replace(/^error: /, ""), 2),
    });
    if (command.commands.length === 0) addSettingFlags(command);
  }
  ncc.hook("preAction", (_, action) => {
    shell.flags = flaggedSettings(action);
  });
  return ncc;
}

function tell(shell: Shell, message: string, code: number): void {
  const { terminal } = shell.world;
  if (shell.json) return terminal.err(printableJson({ error: message, exit_code: code }));
  terminal.err(printableLines(message.startsWith("✗") ? message : `✗ ${message}`));
}

function* everyCommand(command: Command): Iterable<Command> {
  yield command;
  for (const child of command.commands) yield* everyCommand(child);
}
