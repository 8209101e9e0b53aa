/** Another process has this SQLite file open for good. */
export class DatabaseInUseError extends Error {
  override readonly name = "DatabaseInUseError";
}

/**
 * The lock that a server holds on its SQLite file; null when another process has it. The system takes it back however the
 * process ends. The file `<file>.lock` stays: another process may be about to lock it.
 */
export function lockDatabaseFile(file: string): Disposable | null {
  const lock = Deno.openSync(`${file}.lock`, { create: true, write: true, mode: 0o600 });
  if (lock.tryLockSync(true)) return lock;
  lock.close();
  return null;
}
