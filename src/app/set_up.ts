import { resolve } from "node:path";
import type { Settings } from "../settings.ts";
import { keyPath } from "./merchant_key.ts";

/** Whether there is a shop: a key and a database. It looks and makes nothing. */
export async function isSetUp(settings: Settings): Promise<boolean> {
  return await hasKey(settings) && await hasDatabase(settings);
}

/** Whether the first merchant has a key already. */
export async function hasKey(settings: Settings): Promise<boolean> {
  return settings.NCC_KEY !== undefined || await exists(keyPath(settings.NCC_DATA_DIR));
}

/** Whether a start would find a database; of PostgreSQL that is for the server to say. */
export async function hasDatabase(settings: Settings): Promise<boolean> {
  const url = settings.NCC_DATABASE_URL ?? "sqlite:ncc.db";
  if (!url.startsWith("sqlite:")) return true;
  if (url === "sqlite::memory:") return false;
  const path = url.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "");
  return await exists(resolve(settings.NCC_DATA_DIR, path));
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
