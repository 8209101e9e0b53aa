import { dirname } from "node:path";
import type { Random } from "../random.ts";

/**
 * Reads a file that holds a secret, without the white space around it; null when there is none. Throws when others than
 * the file's owner may read or write it, with the command that mends it.
 */
export async function readSecretFile(path: string): Promise<string | null> {
  try {
    const { mode } = await Deno.stat(path);
    // Windows has no such bits.
    if (mode !== null && (mode & 0o077) !== 0) {
      const bits = (mode & 0o777).toString(8).padStart(3, "0");
      throw new Error(
        `${path} holds a secret and is open to other users (mode ${bits}). Run: chmod 600 '${path}'`,
      );
    }
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Writes a secret to a new file of mode 0600, whole or not at all, and on the disk when it resolves. False when there is
 * such a file already: it is never overwritten, whoever made it in the meantime.
 */
export async function createSecretFile(path: string, secret: string, random: Random): Promise<boolean> {
  const folder = dirname(path);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${path}.${random.uuid()}.new`;
  try {
    await write(draft, `${secret}\n`);
    // A link fails where a rename would replace what is there.
    await Deno.link(draft, path);
    await syncFolder(folder);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  } finally {
    await remove(draft);
  }
}

/** Writes a secret to a file instead of what is there: mode 0600, the old or the new whole, and on the disk when it resolves. */
export async function replaceSecretFile(path: string, secret: string, random: Random): Promise<void> {
  const draft = `${path}.${random.uuid()}.new`;
  try {
    await write(draft, `${secret}\n`);
    await Deno.rename(draft, path);
    await syncFolder(dirname(path));
  } finally {
    await remove(draft);
  }
}

async function write(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  await file.write(new TextEncoder().encode(text));
  await file.sync();
}

/** Makes the new name itself durable; Windows can't open folders. */
async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path);
  await folder.sync();
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
