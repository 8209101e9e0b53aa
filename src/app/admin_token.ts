import { base64urlnopad } from "@scure/base";
import { createSecretFile, readSecretFile } from "../nostr/secret_file.ts";
import type { Random } from "../random.ts";

const TOKEN_BYTES = 32;
const LEAST_LENGTH = 32;

/** The token's file holds none. An empty token never means open, so nothing starts with it. */
export class AdminTokenError extends Error {
  override readonly name = "AdminTokenError";
}

/** Where the token stands when the settings give none. */
export function adminTokenPath(dataDir: string): string {
  return `${dataDir}/admin.token`;
}

/** The token that an earlier start made; null when there is none. Throws when the file is open to others or holds no token. */
export async function readAdminToken(dataDir: string): Promise<string | null> {
  const path = adminTokenPath(dataDir);
  const token = await readSecretFile(path);
  if (token === null || token.length >= LEAST_LENGTH) return token;
  throw new AdminTokenError(
    `${path} holds no token: it must have at least ${LEAST_LENGTH} characters. Remove the file; the next start makes a new one.`,
  );
}

/** The token for the REST API, made at first start (0600): no default password. Of several processes that start at once, all get the same. */
export async function loadOrCreateAdminToken(dataDir: string, random: Random): Promise<string> {
  const known = await readAdminToken(dataDir);
  if (known !== null) return known;
  const token = base64urlnopad.encode(random.bytes(TOKEN_BYTES));
  if (await createSecretFile(adminTokenPath(dataDir), token, random)) return token;
  return await loadOrCreateAdminToken(dataDir, random);
}
