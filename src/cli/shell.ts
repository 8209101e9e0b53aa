import { parseEnv } from "node:util";
import { type Settings, settingsTable } from "../settings.ts";
import { problemsText, readSettings } from "../settings_reader.ts";
import { type Api, connect } from "./connection.ts";
import { CommandError, exit, type Terminal } from "./terminal.ts";

/** What a command has of the world. */
export interface World {
  terminal: Terminal;
  environment: Record<string, string>;
  readFile(path: string): string;
  /** Resolves when the process is asked to end (SIGINT, SIGTERM). */
  terminated: Promise<void>;
  /** Asks a person; null when nobody can be asked. */
  ask(question: string): string | null;
}

/** Settings, output and the API for the commands. */
export class Shell {
  readonly world: World;
  /** `--json`: machines read. */
  json = false;
  /** How the process ends when nothing is thrown. */
  exitCode: number = exit.ok;

  constructor(world: World) {
    this.world = world;
  }

  /**
   * Reads the settings: the environment, and beneath it what `ncc init` wrote into the data directory. Tells every
   * problem at once and ends with 78.
   */
  settings(): Settings {
    const read = readSettings(this.environment(), this.world.readFile);
    if (!read.ok) throw new CommandError(problemsText(read.problems), exit.config);
    return read.settings;
  }

  /** The environment over what `ncc init` wrote. */
  environment(): Record<string, string> {
    return { ...this.#written(), ...this.world.environment };
  }

  /** The file that `ncc init` writes. */
  settingsFile(): string {
    return `${this.world.environment.NCC_DATA_DIR ?? settingsTable.NCC_DATA_DIR.default}/ncc.env`;
  }

  #written(): Record<string, string> {
    try {
      return parseEnv(this.world.readFile(this.settingsFile())) as Record<string, string>;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return {};
      throw new CommandError(
        `${this.settingsFile()} can't be read: ${(error as Error).message}`,
        exit.config,
      );
    }
  }

  readFile(path: string): string {
    try {
      return this.world.readFile(path);
    } catch (error) {
      throw new CommandError(`${path} can't be read: ${(error as Error).message}`);
    }
  }

  async withApi(work: (api: Api) => Promise<void>): Promise<void> {
    const api = await connect(this.settings());
    try {
      await work(api);
    } finally {
      await api.close();
    }
  }

  /** Prints a result: JSON for machines, else what `text` makes of it. */
  show(value: unknown, text?: () => string): void {
    this.world.terminal.out(this.json || !text ? JSON.stringify(value, null, 2) : text());
  }
}
