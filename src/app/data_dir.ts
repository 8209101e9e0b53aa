import { errorText } from "../log.ts";

/** The data directory can't be used; the message says what to do. */
export class DataDirError extends Error {
  override readonly name = "DataDirError";
}

/**
 * Makes the data directory; true when it is new. Only its owner may look into it: keys and customers' data lie there.
 * Throws a `DataDirError` when it can't be made or written.
 */
export function makeDataDir(path: string): boolean {
  try {
    const made = make(path);
    tryWriting(path);
    return made;
  } catch (error) {
    throw new DataDirError(`NCC_DATA_DIR: ${path} can't be written. ${dataDirRemedy(path, error)}`);
  }
}

/** What to do about a directory that can't be made or written. */
export function dataDirRemedy(path: string, error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) {
    return "The task's flags let this run write to ./data alone. For another place start it with " +
      `deno run --no-prompt --allow-net --allow-read --allow-write=${path} --allow-env='NCC_*,NO_COLOR' --ignore-env main.ts start`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `Let this user write there (chown "$USER" ${path}), or set NCC_DATA_DIR to another place.`;
  }
  if (error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.AlreadyExists) {
    return "There is a file where a directory is needed: move it away, or set NCC_DATA_DIR to another place.";
  }
  return `${errorText(error)}. Mend that, or set NCC_DATA_DIR to another place.`;
}

function make(path: string): boolean {
  try {
    if (!Deno.statSync(path).isDirectory) throw new Deno.errors.NotADirectory(path);
    return false;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    return true;
  }
}

function tryWriting(path: string): void {
  const probe = `${path}/.writable-${crypto.randomUUID()}`;
  Deno.writeTextFileSync(probe, "", { mode: 0o600 });
  Deno.removeSync(probe);
}
