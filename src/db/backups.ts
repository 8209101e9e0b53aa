import { basename, join } from "node:path";

/** A backup that lies in `<data>/backups`. */
export interface BackupFile {
  name: string;
  path: string;
  bytes: number;
  /** When it was finished, ms since 1970. */
  at: number;
}

/** Names that this program gives: by hand or by the API, and before a migration. Others are somebody's own and left alone. */
export const OURS = /^[^/]+-(before-migration-)?\d{8}T\d{6}Z(-\d+)?(\.db)?$/;

/** The folder of the backups that are made without a name. */
export function backupsFolder(dataDir: string): string {
  return join(dataDir, "backups");
}

/** A name for a backup of now: `ncc-20261121T121500Z.db`. */
export function backupName(now: number, again = 0): string {
  return `ncc-${timeOf(now)}${again === 0 ? "" : `-${again}`}.db`;
}

/** A time as it stands in file names. */
export function timeOf(now: number): string {
  return new Date(now).toISOString().replace(/[-:]|\.\d+/g, "");
}

/** The backups in the folder, newest first; none when there is no folder. */
export async function listBackups(dataDir: string): Promise<BackupFile[]> {
  const folder = backupsFolder(dataDir);
  const found: BackupFile[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (!isFile || name.endsWith(".part")) continue;
      const path = join(folder, name);
      const { size, mtime } = await Deno.stat(path);
      found.push({ name: basename(path), path, bytes: size, at: mtime?.getTime() ?? 0 });
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return found.sort((a, b) => b.at - a.at || (a.name < b.name ? 1 : -1));
}

/** Removes the oldest of our own above `keep`; answers their names. What was put there under another name stays. */
export async function pruneBackups(dataDir: string, keep: number): Promise<string[]> {
  const ours = (await listBackups(dataDir)).filter(({ name }) => OURS.test(name));
  const gone = ours.slice(keep);
  for (const { path } of gone) await Deno.remove(path);
  return gone.map(({ name }) => name);
}
