import type { Command } from "commander";
import { localUrl } from "./connection.ts";
import type { Shell } from "./shell.ts";
import { type SettingKey, settingsTable } from "../settings.ts";
import { problemsText, readSettings } from "../settings_reader.ts";
import { CommandError, exit } from "./terminal.ts";

/** A question of the set-up: the setting it fills, or the shop's name. */
interface Question {
  flag: string;
  ask: string;
  key: SettingKey | null;
}

const questions: Question[] = [
  { flag: "name", ask: "Name of the shop:", key: null },
  {
    flag: "key",
    ask: "Secret key of the shop, nsec or hex (empty: a new one, best for the shop alone):",
    key: "NCC_KEY",
  },
  {
    flag: "wallet",
    ask: "Lightning wallet, e.g. nostr+walletconnect://… (empty: none yet):",
    key: "NCC_WALLET",
  },
  { flag: "relays", ask: "Relays, comma separated (empty: the built-in one alone):", key: "NCC_RELAYS" },
  { flag: "owner", ask: "Your own npub, to be told what happens (empty: nobody):", key: "NCC_OWNERS" },
  {
    flag: "rates",
    ask: "Price of a bitcoin for prices that aren't in sats, e.g. fixed:EUR=90000 (empty: sats only):",
    key: "NCC_RATES",
  },
];

/** `ncc init`: asks what isn't given by a flag, checks the answers, and writes them into the data directory. */
export function initCommand(program: Command, shell: Shell): void {
  const command = program.command("init").description("set the shop up: a few questions, each also a flag")
    .option("--yes", "ask nothing; what no flag gives stays empty")
    .option("--force", "replace what an earlier init wrote");
  for (const { flag, ask } of questions) command.option(`--${flag} <value>`, ask.replace(/:$/, ""));
  command.action(async (o: Record<string, string | boolean | undefined>) => {
    const file = shell.settingsFile();
    if (o.force !== true && exists(shell, file)) {
      throw new CommandError(`${file} is there already. Change it by hand, or replace it with --force.`);
    }
    const answers: Record<string, string> = {};
    let name = "";
    for (const { flag, ask, key } of questions) {
      const given = o[flag] ?? (o.yes === true ? "" : shell.world.ask(ask) ?? "");
      const text = String(given).trim();
      if (key === null) name = text;
      else if (text !== "") answers[key] = text;
    }
    const read = readSettings({ ...answers, ...shell.world.environment }, shell.world.readFile);
    if (!read.ok) {
      throw new CommandError(
        problemsText(read.problems).replace("Nothing was started", "Nothing was written"),
        exit.config,
      );
    }
    write(file, answers);
    if (name !== "") await nameShop(shell, name);
    shell.show(
      { file, settings: Object.keys(answers) },
      () => `${file} written (0600). Check it: ncc doctor. Start: ncc start, then ${localUrl(read.settings)}`,
    );
  });
}

function exists(shell: Shell, file: string): boolean {
  try {
    shell.world.readFile(file);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** `KEY=value` lines that node's `parseEnv` reads back. */
function write(file: string, answers: Record<string, string>): void {
  const folder = file.slice(0, file.lastIndexOf("/"));
  Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const about = (key: string) => settingsTable[key as SettingKey].about;
  const text = Object.entries(answers).map(([key, value]) => `# ${about(key)}\n${key}='${value}'\n`).join(
    "\n",
  );
  Deno.writeTextFileSync(file, text, { mode: 0o600 });
}

async function nameShop(shell: Shell, name: string): Promise<void> {
  await shell.withApi(async (api) => {
    const { data } = await api.call<{ data: { pubkey: string }[] }>("GET", "/merchants");
    const first = data[0];
    if (first) await api.call("PATCH", `/merchants/${first.pubkey}`, { name });
  });
}
