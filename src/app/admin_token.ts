import { base64urlnopad } from "@scure/base";
import type { Random } from "../random.ts";

const TOKEN_BYTES = 32;

/** Where the token stands when the settings give none. */
export function adminTokenPath(dataDir: string): string {
  return `${dataDir}/admin.token`;
}

/** The token that an earlier start made; null when there is none. */
export function readAdminToken(dataDir: string): string | null {
  try {
    return Deno.readTextFileSync(adminTokenPath(dataDir)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The token for the REST API, made at first start: no default password, and an empty one never means open. */
export function loadOrCreateAdminToken(dataDir: string, random: Random): string {
  const known = readAdminToken(dataDir);
  if (known !== null && known.length >= 32) return known;
  const token = base64urlnopad.encode(random.bytes(TOKEN_BYTES));
  Deno.writeTextFileSync(adminTokenPath(dataDir), `${token}\n`, { mode: 0o600 });
  return token;
}
