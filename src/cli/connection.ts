import { App } from "../app.ts";
import { systemClock } from "../clock.ts";
import { createLog } from "../log.ts";
import { systemRandom } from "../random.ts";
import type { Settings } from "../settings.ts";
import { readAdminToken } from "../app/admin_token.ts";
import { CommandError, exit } from "./terminal.ts";

/** The REST API, wherever it is: the running server's, or this process's own over the same database. */
export interface Api {
  /** The answer's JSON. Throws a `CommandError` with the problem's own words when it is refused. */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Whether a server is running. */
  readonly live: boolean;
  close(): Promise<void>;
}

const LOOK_MS = 1_500;

/** Finds the running server, else opens the database here: what is queued is carried out at the next start. */
export async function connect(settings: Settings): Promise<Api> {
  const base = localUrl(settings);
  if (await answers(base)) {
    const token = settings.NCC_ADMIN_TOKEN ?? readAdminToken(settings.NCC_DATA_DIR);
    if (token === null) {
      throw new CommandError(
        `A server runs at ${base}, but ${settings.NCC_DATA_DIR}/admin.token isn't there. Is NCC_DATA_DIR the server's?`,
      );
    }
    return {
      live: true,
      close: () => Promise.resolve(),
      call: (method, path, body) => call((r) => fetch(r), base, token, method, path, body),
    };
  }
  const app = await App.open({
    settings,
    clock: systemClock,
    random: systemRandom,
    log: createLog(() => {}, "error"),
  });
  return {
    live: false,
    close: () => app.close(),
    call: (method, path, body) => call((r) => app.fetch(r), base, app.adminToken, method, path, body),
  };
}

/** The server's address as seen from this machine. */
export function localUrl(settings: Settings): string {
  const host = settings.NCC_HOST === "0.0.0.0" || settings.NCC_HOST === "::"
    ? "127.0.0.1"
    : settings.NCC_HOST;
  return `http://${host.includes(":") ? `[${host}]` : host}:${settings.NCC_PORT}`;
}

async function answers(base: string): Promise<boolean> {
  try {
    const response = await fetch(`${base}/healthz`, { signal: AbortSignal.timeout(LOOK_MS) });
    const body = await response.json() as { name?: string };
    return body.name === "ncc";
  } catch {
    return false; // nobody there, or not us
  }
}

async function call<T>(
  send: (request: Request) => Promise<Response>,
  base: string,
  token: string,
  method: string,
  path: string,
  body: unknown,
): Promise<T> {
  const headers: Record<string, string> = { authorization: `Bearer ${token}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await send(
    new Request(`${base}/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    }),
  );
  const text = await response.text();
  if (response.ok) return (text === "" ? undefined : JSON.parse(text)) as T;
  throw new CommandError(
    problemText(response.status, text),
    response.status === 503 ? exit.unavailable : exit.failed,
  );
}

function problemText(status: number, text: string): string {
  try {
    const problem = JSON.parse(text) as {
      title: string;
      detail?: string;
      errors?: { pointer: string; detail: string }[];
    };
    const errors = (problem.errors ?? []).map(({ pointer, detail }) =>
      `\n  ${pointer || "(whole)"}: ${detail}`
    ).join("");
    return `${problem.detail ?? problem.title}${errors}`;
  } catch {
    return `the server answered ${status}`;
  }
}
