import type { Log } from "../log.ts";
import type { Service } from "../service.ts";
import { errorText } from "../log.ts";
import { TrustedProxies } from "./trusted_proxies.ts";

const DRAIN_MS = 2_000;

/** A port that can't be listened on, with what to do about it. */
export class PortError extends Error {
  override readonly name = "PortError";
}

/** Answers a request; `address` is the client's, also behind proxies that are trusted. */
export type Handle = (request: Request, address: string) => Response | Promise<Response>;

/** The one HTTP port. */
export class HttpServer implements Service {
  readonly #o: { host: string; port: number; log: Log; handle: Handle };
  readonly #proxies: TrustedProxies;
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;

  constructor(
    o: { host: string; port: number; log: Log; handle: Handle; trustedProxies: readonly string[] },
  ) {
    this.#o = o;
    this.#proxies = new TrustedProxies(o.trustedProxies);
  }

  /** The port that is listened on; 0 while it isn't. */
  get port(): number {
    return this.#server?.addr.port ?? 0;
  }

  /** Throws a `PortError` when the port is taken or may not be used. */
  start(): Promise<void> {
    const { host, port, log, handle } = this.#o;
    try {
      this.#server = Deno.serve({
        hostname: bare(host),
        port,
        onListen: () => {},
        onError: (error) => {
          log.error("http.fault", { error: errorText(error) });
          return new Response("internal error", { status: 500 });
        },
      }, (request, info) => {
        const forwardedFor = request.headers.get("x-forwarded-for");
        return handle(request, this.#proxies.clientOf(info.remoteAddr.hostname, forwardedFor));
      });
    } catch (error) {
      throw portError(host, port, error);
    }
    return Promise.resolve();
  }

  /** Takes no new requests, and waits for those under way, but not for ever. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, DRAIN_MS);
    await Promise.race([server.shutdown(), late.promise]);
    clearTimeout(timer);
  }
}

/** Throws the `PortError` that a start would end with; nothing is listened on afterwards. */
export function checkPort(host: string, port: number): void {
  try {
    Deno.listen({ hostname: bare(host), port }).close();
  } catch (error) {
    throw portError(host, port, error);
  }
}

function portError(host: string, port: number, error: unknown): PortError {
  if (error instanceof Deno.errors.AddrInUse) {
    return new PortError(
      `Port ${port} on ${host} is taken. Is ncc running already (ncc status)? Stop what has it, or set NCC_PORT to another one.`,
    );
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new PortError(
      `This run may not listen on ${host}:${port}: its --allow-net names other addresses. Add this one, or set NCC_HOST.`,
    );
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new PortError(
      `Port ${port} on ${host} may not be used by this user. Set NCC_PORT to one above 1023.`,
    );
  }
  return new PortError(
    `${host}:${port} can't be listened on (${
      errorText(error)
    }). Set NCC_HOST to an address of this machine: 127.0.0.1 for this machine alone, 0.0.0.0 for all.`,
  );
}

/** IPv6 addresses are listened on without their brackets. */
function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}
