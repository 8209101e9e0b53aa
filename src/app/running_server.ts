import { systemClock } from "../clock.ts";
import { errorText, type Log } from "../log.ts";
import { Deadline } from "../nostr/deadline.ts";
import type { Settings } from "../settings.ts";
import { hostText } from "./hosts.ts";

const LOOK_MS = 1_500;

/** Where a start leaves its address, for commands on the same data directory: the port may have come from a flag or from chance. */
function path(dataDir: string): string {
  return `${dataDir}/server.json`;
}

/** The server's address as seen from this machine. */
export function localUrl(settings: Settings, port: number = settings.NCC_PORT): string {
  return `http://${hostText(settings.NCC_HOST)}:${port}`;
}

/** Leaves the address. */
export function leaveAddress(settings: Settings, port: number): void {
  const address = { url: localUrl(settings, port), pid: Deno.pid };
  Deno.writeTextFileSync(path(settings.NCC_DATA_DIR), `${JSON.stringify(address)}\n`, { mode: 0o600 });
}

/** Takes the address away, unless another process has left its own since. */
export function takeAddressBack(settings: Settings, log: Log): void {
  try {
    if (read(settings.NCC_DATA_DIR)?.pid === Deno.pid) Deno.removeSync(path(settings.NCC_DATA_DIR));
  } catch (error) {
    log.warn("server_json.not_removed", { error: errorText(error) });
  }
}

/** The URL of the server that runs on this data directory, or else on the settings' port; null when none answers. */
export async function findServer(settings: Settings): Promise<string | null> {
  const left = read(settings.NCC_DATA_DIR)?.url;
  const urls = new Set([
    ...(left === undefined ? [] : [left]),
    ...(settings.NCC_PORT === 0 ? [] : [localUrl(settings)]),
  ]);
  for (const url of urls) if (await answers(url)) return url;
  return null;
}

function read(dataDir: string): { url: string; pid: number } | null {
  try {
    const left = JSON.parse(Deno.readTextFileSync(path(dataDir))) as { url: unknown; pid: unknown };
    return typeof left.url === "string" && typeof left.pid === "number" && URL.canParse(left.url)
      ? { url: left.url, pid: left.pid }
      : null;
  } catch (error) {
    // A crash may have cut the file off: then it says nothing.
    const silent = [Deno.errors.NotFound, Deno.errors.NotADirectory, SyntaxError];
    if (silent.some((one) => error instanceof one)) return null;
    throw error;
  }
}

async function answers(url: string): Promise<boolean> {
  using deadline = new Deadline(systemClock, LOOK_MS);
  try {
    const response = await fetch(`${url}/healthz`, { signal: deadline.signal });
    const body = await response.json() as { name?: string };
    return body.name === "ncc";
  } catch {
    return false; // nobody there, or not us
  }
}
