import { type Command, Option } from "commander";
import { type Setting, type SettingKey, settingsTable } from "../settings.ts";

const table = settingsTable as Record<SettingKey, Setting<unknown>>;
const keys = Object.keys(table) as SettingKey[];
/** What every command needs to find the shop. */
const place: readonly SettingKey[] = ["NCC_DATA_DIR", "NCC_HOST", "NCC_PORT"];
/** Secrets have no flags: everybody on the machine can read a command line. */
const open: readonly SettingKey[] = keys.filter((key) => !table[key].secret);
const withAll = new Set(["start", "doctor"]);
const withNone = new Set(["demo", "help", "version"]);

/** The settings that a command takes as flags (design §9: flag before environment). */
function flagsOf(command: Command): readonly SettingKey[] {
  const top = topOf(command).name();
  return withNone.has(top) ? [] : withAll.has(top) ? open : place;
}

/** Gives a command its flags for settings: `--data-dir` for NCC_DATA_DIR, and so on. */
export function addSettingFlags(command: Command): void {
  for (const key of flagsOf(command)) {
    const option = new Option(`${flag(key)} <value>`, `${key}: ${table[key].about}`);
    const shown = withAll.has(command.name()) || key === "NCC_DATA_DIR";
    command.addOption(shown ? option : option.hideHelp());
  }
}

/** What was given as flags, in the names of the environment. */
export function flaggedSettings(command: Command): Record<string, string> {
  const given = command.optsWithGlobals();
  return Object.fromEntries(
    flagsOf(command).flatMap((key) => {
      const value = given[attribute(key)];
      return typeof value === "string" ? [[key, value]] : [];
    }),
  );
}

function topOf(command: Command): Command {
  let top = command;
  while (top.parent?.parent) top = top.parent;
  return top;
}

function flag(key: SettingKey): string {
  return `--${key.slice("NCC_".length).toLowerCase().replaceAll("_", "-")}`;
}

/** As commander names it: `--data-dir` is `dataDir`. */
function attribute(key: SettingKey): string {
  return key.slice("NCC_".length).toLowerCase().replace(/_(.)/g, (_, c: string) => c.toUpperCase());
}
