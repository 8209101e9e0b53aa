import { parseEnv } from "node:util";
import type { Command } from "commander";
import { makeDataDir } from "../app/data_dir.ts";
import { judgeSetting } from "../app/settings_check.ts";
import { isBunkerUrl } from "../nostr/bunker/bunker_url.ts";
import { exportEncrypted, npub, parseSecretKey } from "../nostr/keys.ts";
import { type Setting, type SettingKey, type Settings, settingsTable } from "../settings.ts";
import { problemsText, readSettings } from "../settings_reader.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit } from "./terminal.ts";

/** A question of the set-up: the setting it fills, or the shop's name. */
interface Question {
  flag: string;
  ask: string;
  key: SettingKey | null;
  /** The answer names a file with the value. */
  inFile?: boolean;
}

const questions: readonly Question[] = [
  { flag: "name", ask: "Name of the shop:", key: null },
  {
    flag: "key",
    ask:
      "Key of the shop: nsec, hex, ncryptsec, or bunker://… of a remote signer (empty: a new one, best for the shop alone):",
    key: "NCC_KEY",
  },
  {
    flag: "passphrase-file",
    ask:
      "File with a passphrase, to keep the key encrypted (empty: its file is protected by its mode alone):",
    key: "NCC_KEY_PASSPHRASE",
    inFile: true,
  },
  {
    flag: "wallet",
    ask: "Lightning wallet, nostr+walletconnect://… or demo: (empty: none yet):",
    key: "NCC_WALLET",
  },
  { flag: "relays", ask: "Relays, comma separated (empty: the built-in one alone):", key: "NCC_RELAYS" },
  { flag: "owner", ask: "Your own npub, to administer by NIP-98 (empty: nobody):", key: "NCC_OWNERS" },
  {
    flag: "rates",
    ask:
      "Exchange rates for prices that aren't in sats: sources, or fixed:EUR=90000 (empty: coinbase,kraken,bitstamp):",
    key: "NCC_RATES",
  },
];
const isSecret = (key: SettingKey | null) =>
  key !== null && (settingsTable as Record<string, Setting<unknown>>)[key]!.secret === true;

/** `ncc init`: asks what isn't given by a flag, checks the answers, and makes the shop in the data directory. */
export function initCommand(program: Command, shell: Shell): void {
  const command = program.command("init").description("set the shop up: a few questions, each also a flag")
    .option("--yes", "ask nothing; what no flag gives stays empty")
    .option("--force", "replace the settings that an earlier init wrote");
  for (const { flag, ask } of questions) command.option(`--${flag} <value>`, ask.replace(/:$/, ""));
  command.action(async (given: Record<string, string | boolean | undefined>) => {
    const file = shell.settingsFile();
    if (given.force !== true && exists(shell, file)) {
      throw new CommandError(`${file} is there already. Change it by hand, or replace it with --force.`);
    }
    const { name, settings } = answer(shell, given);
    const read = check(shell, settings);
    write(file, protectKey(settings, read));
    let pubkey = "";
    await shell.withApi(async (api) => {
      const { data } = await api.call<{ data: { pubkey: string }[] }>("GET", "/merchants");
      pubkey = data[0]!.pubkey;
      if (name !== "") await api.call("PATCH", `/merchants/${pubkey}`, { name });
    }, { create: true });
    shell.show(
      { file, settings: Object.keys(settings), pubkey, npub: npub(pubkey) },
      () =>
        [
          `The shop is set up.`,
          `  settings  ${file} (0600)`,
          `  key       ${npub(pubkey)}${
            settings.NCC_KEY === undefined ? "   back it up: ncc key export --encrypted" : ""
          }`,
          "Next: ncc doctor checks it, ncc start runs it, ncc stall add and ncc product add fill it.",
        ].join("\n"),
    );
  });
}

function answer(
  shell: Shell,
  given: Record<string, string | boolean | undefined>,
): { name: string; settings: Record<string, string> } {
  let name = "";
  const settings: Record<string, string> = {};
  for (const { flag, ask, key, inFile = false } of questions) {
    // A remote signer keeps the key by itself.
    if (inFile && isBunkerUrl(settings.NCC_KEY ?? "")) continue;
    const secret = !inFile && isSecret(key);
    const text = String(given[camelCase(flag)] ?? (given.yes === true ? "" : asked(shell, ask, secret)))
      .trim();
    if (key === null) name = text;
    else if (text !== "") settings[inFile ? `${key}_FILE` : key] = text;
  }
  return { name, settings };
}

function asked(shell: Shell, question: string, secret: boolean): string {
  const answer = secret ? shell.world.askSecret(question) : shell.world.ask(question);
  if (answer !== null) return answer;
  throw new CommandError(
    "The questions were not answered; nothing was written. Give the answers as flags, and --yes for the rest: ncc init --help",
    exit.usage,
  );
}

/** As commander names a flag's value. */
function camelCase(flag: string): string {
  return flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Where a passphrase is given the key itself isn't written in the clear. */
function protectKey(settings: Record<string, string>, read: Settings): Record<string, string> {
  const passphrase = read.NCC_KEY_PASSPHRASE;
  if (passphrase === undefined || settings.NCC_KEY === undefined) return settings;
  const parsed = parseSecretKey(settings.NCC_KEY);
  return parsed.ok ? { ...settings, NCC_KEY: exportEncrypted(parsed.secretKey, passphrase) } : settings;
}

/** All problems of the answers at once, before anything is written. */
function check(shell: Shell, settings: Record<string, string>): Settings {
  const around = { ...shell.world.environment, ...shell.flags };
  const read = readSettings({ ...around, ...settings }, shell.world.readFile, judgeSetting);
  if (read.ok) return read.settings;
  throw new CommandError(
    problemsText(read.problems).replace("Nothing was started", "Nothing was written"),
    exit.config,
  );
}

function exists(shell: Shell, file: string): boolean {
  try {
    shell.world.readFile(file);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/** `KEY='value'` lines that node's `parseEnv` reads back. */
function write(file: string, settings: Record<string, string>): void {
  const lines = Object.entries(settings).map(([key, value]) =>
    `# ${settingsTable[key.replace(/_FILE$/, "") as SettingKey].about}\n${key}='${value}'\n`
  );
  const text = lines.length === 0 ? "# No settings: the defaults are used.\n" : lines.join("\n");
  const back = parseEnv(text);
  for (const [key, value] of Object.entries(settings)) {
    if (back[key] !== value) {
      throw new CommandError(`${key} holds a quotation mark, which the file can't keep.`);
    }
  }
  makeDataDir(file.slice(0, file.lastIndexOf("/")));
  Deno.writeTextFileSync(file, text, { mode: 0o600 });
}
