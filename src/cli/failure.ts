import { CommanderError } from "commander";
import { AdminTokenError } from "../app/admin_token.ts";
import { BunkerSilentError } from "../app/bunker_keys.ts";
import { DataDirError } from "../app/data_dir.ts";
import { PortError } from "../app/http_server.ts";
import { KeyError } from "../app/merchant_key.ts";
import { AlreadyRunningError } from "../app/sole_process.ts";
import { WalletUrlError } from "../app/wallets.ts";
import { BackupNeededError } from "../db/backup.ts";
import { NewerSchemaError } from "../db/migrator.ts";
import { DamagedDatabaseError } from "../db/open.ts";
import { StorageFailedError } from "../db/storage_state.ts";
import { errorText } from "../log.ts";
import { CommandError, exit } from "./terminal.ts";

/** How a command ended that didn't do what it was told. */
export interface Failure {
  /** For people: what, and what to do. Null when it has been said already. */
  message: string | null;
  code: number;
}

/** A restart doesn't help: somebody has to change something. */
const needsSomebody = [
  AdminTokenError,
  BackupNeededError,
  DataDirError,
  KeyError,
  NewerSchemaError,
  WalletUrlError,
];

/** What a thrown value means for who ran the command. No stack: it is for the log of a fault, and there is none here. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError) {
    return { message: null, code: error.exitCode === 0 ? exit.ok : exit.usage };
  }
  if (error instanceof CommandError) return { message: error.message, code: error.code };
  if (
    error instanceof PortError || error instanceof AlreadyRunningError || error instanceof BunkerSilentError
  ) {
    return { message: error.message, code: exit.unavailable };
  }
  if (needsSomebody.some((one) => error instanceof one)) {
    return { message: errorText(error), code: exit.config };
  }
  if (error instanceof Deno.errors.NotCapable) {
    return {
      message: `${errorText(error)}\n  The flags of this run don't allow it. See the tasks in deno.json.`,
      code: exit.config,
    };
  }
  if (error instanceof DamagedDatabaseError) return { message: error.message, code: exit.io };
  if (error instanceof StorageFailedError) {
    return {
      message:
        `The storage has failed: ${error.message}.\n  Look at the health of the disk, then start again; ` +
        `if the database turns out to be damaged, restore a backup (ncc restore).`,
      code: exit.io,
    };
  }
  return ofSqlite(error) ?? ofPostgres(error) ?? { message: errorText(error), code: exit.failed };
}

/** By SQLite's words: the runtime gives its result code for some calls only. */
const sqlite: readonly (readonly [RegExp, string])[] = [
  [/database is locked/, "Is another ncc running on it? Stop one of them."],
  [/readonly database|unable to open database/, "Give its file and directory to this user."],
  [
    /disk I\/O error/,
    "The disk failed: look at its health. If data is lost, restore a backup from <data>/backups.",
  ],
  [/malformed/, "Stop everything that uses it, keep a copy, and restore a backup from <data>/backups."],
  [/disk is full/, "Make room, then start again: nothing is lost."],
  [/not a database/, "Put the right file back, or restore a backup from <data>/backups."],
];

function ofSqlite(error: unknown): Failure | null {
  if ((error as { code?: unknown }).code !== "ERR_SQLITE_ERROR") return null;
  const text = errorText(error);
  const remedy = sqlite.find(([words]) => words.test(text))?.[1];
  return { message: `The database: ${text}${remedy ? `\n  ${remedy}` : ""}`, code: exit.io };
}

const postgres: Record<string, string> = {
  ECONNREFUSED:
    "Nobody listens there. Is PostgreSQL running, and are host and port in NCC_DATABASE_URL right?",
  ENOTFOUND: "There is no such host. Check the host in NCC_DATABASE_URL.",
  CONNECT_TIMEOUT: "PostgreSQL doesn't answer. Check host, port and firewall.",
  "28P01": "Check user and password in NCC_DATABASE_URL.",
  "28000": "PostgreSQL doesn't let this user in. Check user and pg_hba.conf.",
  "3D000": "Make the database first: createdb <name>, or check its name in NCC_DATABASE_URL.",
  "42501": "This user may not do that. Let it own the database.",
  "57P03": "PostgreSQL is starting or stopping. Try again in a moment.",
};

/** By the code that PostgreSQL, or the way to it, gives. */
function ofPostgres(error: unknown): Failure | null {
  const { code } = error as { code?: unknown };
  const remedy = typeof code === "string" ? postgres[code] : undefined;
  return remedy === undefined
    ? null
    : { message: `The database: ${errorText(error)}\n  ${remedy}`, code: exit.unavailable };
}
