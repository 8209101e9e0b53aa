import { App } from "../app.ts";
import { readAdminToken } from "../app/admin_token.ts";
import type { Health } from "../app/health.ts";
import { findServer, localUrl } from "../app/running_server.ts";
import { isSetUp } from "../app/set_up.ts";
import { systemClock } from "../clock.ts";
import type { Log } from "../log.ts";
import { systemRandom } from "../random.ts";
import type { Settings } from "../settings.ts";
import { CommandError, exit } from "./terminal.ts";

/** The REST API, wherever it is: the running server's, or this process's own over the same database. */
export interface Api {
  /** The answer's JSON. Throws a `CommandError` with the problem's own words when it is refused. */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** What `/readyz` says, with its details. */
  health(): Promise<Health>;
  /** Whether a server is running. */
  readonly live: boolean;
  close(): Promise<void>;
}

type Send = (request: Request) => Promise<Response>;

/**
 * Finds the running server, else opens the database here: what is queued is carried out at the next start. Where there is
 * no shop yet none is made, unless `create` says so: no look may leave a key behind.
 */
export async function connect(settings: Settings, log: Log, o: { create?: boolean } = {}): Promise<Api> {
  const found = await findServer(settings);
  if (found !== null) {
    const token = settings.NCC_ADMIN_TOKEN ?? await readAdminToken(settings.NCC_DATA_DIR);
    if (token !== null) {
      return apiOf({ live: true, base: found, token, send: fetch, close: () => Promise.resolve() });
    }
    if (o.create !== true) {
      throw new CommandError(
        `A server runs at ${found}, but ${settings.NCC_DATA_DIR}/admin.token isn't there. Set NCC_DATA_DIR to the server's data directory, or NCC_ADMIN_TOKEN to its token.`,
      );
    }
  }
  if (o.create !== true && !await isSetUp(settings)) {
    throw new CommandError(
      `There is no shop in ${settings.NCC_DATA_DIR} yet. Set one up with \`ncc init\`, or just start one with \`ncc start\`.`,
    );
  }
  const app = await App.open({ settings, clock: systemClock, random: systemRandom, log });
  return apiOf({
    live: false,
    base: localUrl(settings),
    token: app.adminToken,
    send: (request) => app.fetch(request),
    close: () => app.close(),
  });
}

/** The API of a server that runs. Throws a `CommandError` when there is none. */
export async function connectToServer(settings: Settings, log: Log): Promise<Api> {
  const found = await findServer(settings);
  if (found === null) {
    throw new CommandError(
      `No server answers at ${localUrl(settings)}. Start one: ncc start`,
      exit.unavailable,
    );
  }
  return await connect(settings, log);
}

function apiOf(
  o: { live: boolean; base: string; token: string; send: Send; close: () => Promise<void> },
): Api {
  const ask = (method: string, path: string, body?: unknown) => {
    const headers: Record<string, string> = { authorization: `Bearer ${o.token}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    return o.send(
      new Request(`${o.base}${path}`, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
      }),
    );
  };
  return {
    live: o.live,
    close: o.close,
    health: async () => await (await ask("GET", "/readyz")).json() as Health,
    async call<T>(method: string, path: string, body?: unknown) {
      const response = await ask(method, `/api/v1${path}`, body);
      const text = await response.text();
      if (response.ok) return JSON.parse(text) as T;
      if (response.status === 401) {
        throw new CommandError(
          `The server at ${o.base} refuses our token. Is it another shop's? Set NCC_DATA_DIR or NCC_ADMIN_TOKEN to the server's, or NCC_PORT to this shop's.`,
        );
      }
      throw new CommandError(problemText(response.status, text));
    },
  };
}

function problemText(status: number, text: string): string {
  try {
    const problem = JSON.parse(text) as {
      title: string;
      detail?: string;
      errors?: { pointer: string; detail: string }[];
    };
    const detail = problem.detail ?? problem.title;
    const errors = (problem.errors ?? []).filter((error) => error.detail !== detail);
    return [detail, ...errors.map((error) => `  ${error.pointer.slice(1) || "(whole)"}: ${error.detail}`)]
      .join("\n");
  } catch {
    return `The server answered ${status}, and not as ncc does. Does something stand between?`;
  }
}
