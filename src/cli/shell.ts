import { parseEnv } from "node:util";
import { judgeSetting } from "../app/settings_check.ts";
import type { Log } from "../log.ts";
import { type Settings, settingsTable } from "../settings.ts";
import { problemsText, readSettings, type SettingsResult } from "../settings_reader.ts";
import { type Api, connect } from "./connection.ts";
import { logTo } from "./log_output.ts";
import { CommandError, exit, printableJson, type Terminal } from "./terminal.ts";

/** What a command has of the world. */
export interface World {
  terminal: Terminal;
  environment: Record<string, string>;
  readFile(path: string): string;
  /** Resolves when the process is asked to end (SIGINT, SIGTERM). Only who waits for it is asked. */
  readonly terminated: Promise<void>;
  /** Asks a person; null when nobody can be asked. */
  ask(question: string): string | null;
  /** The same, without showing what is typed. */
  askSecret(question: string): string | null;
}

/** Settings, output and the API for the commands. */
export class Shell {
  readonly world: World;
  /** `--json`: machines read. */
  json = false;
  /** Settings that were given as flags, in the names of the environment. */
  flags: Record<string, string> = {};
  /** How the process ends when nothing is thrown. */
  exitCode: number = exit.ok;

  constructor(world: World) {
    this.world = world;
  }

  /** Whether a person reads what is printed. */
  get human(): boolean {
    return this.world.terminal.interactive && !this.json;
  }

  /** A log for people or machines. */
  log(least: Settings["NCC_LOG"]): Log {
    return logTo(this.world.terminal, least, this.human);
  }

  /** The settings. Tells every problem at once and ends with 78. */
  settings(): Settings {
    const read = this.readSettings(judgeSetting);
    if (!read.ok) throw new CommandError(problemsText(read.problems), exit.config);
    return read.settings;
  }

  /** The settings or their problems: flags over environment over what `ncc init` wrote. */
  readSettings(judge?: typeof judgeSetting): SettingsResult {
    const environment = { ...this.#written(), ...this.world.environment, ...this.flags };
    return readSettings(environment, this.world.readFile, judge);
  }

  /** The file that `ncc init` writes. */
  settingsFile(): string {
    const dataDir = this.flags.NCC_DATA_DIR ?? this.world.environment.NCC_DATA_DIR ??
      settingsTable.NCC_DATA_DIR.default;
    return `${dataDir}/ncc.env`;
  }

  readFile(path: string): string {
    try {
      return this.world.readFile(path);
    } catch (error) {
      throw new CommandError(`${path} can't be read: ${(error as Error).message}`);
    }
  }

  /** Works with the API of the running server, or of the shop in the data directory. */
  async withApi(work: (api: Api) => Promise<void>, o: { create?: boolean } = {}): Promise<void> {
    const api = await connect(this.settings(), this.log("error"), o);
    try {
      await work(api);
    } finally {
      await api.close();
    }
  }

  /** Prints a result: JSON for machines, else what `text` makes of it. */
  show(value: unknown, text?: () => string): void {
    this.world.terminal.out(this.json || !text ? printableJson(value, 2) : text());
  }

  #written(): Record<string, string> {
    const path = this.settingsFile();
    try {
      return parseEnv(this.world.readFile(path)) as Record<string, string>;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return {};
      throw new CommandError(`${path} can't be read: ${(error as Error).message}`, exit.config);
    }
  }
}
