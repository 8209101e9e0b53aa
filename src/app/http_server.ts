import type { Log } from "../log.ts";
import type { Service } from "../service.ts";
import { errorText } from "../log.ts";

const DRAIN_MS = 3_000;

/** A port that can't be listened on, with what to do about it. */
export class PortError extends Error {
  override readonly name = "PortError";
}

/** Where to listen, and who answers; `address` is the peer's. */
export interface HttpOptions {
  host: string;
  port: number;
  log: Log;
  handle(request: Request, address: string): Response | Promise<Response>;
}

/** The one HTTP port. */
export class HttpServer implements Service {
  readonly #o: HttpOptions;
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;

  constructor(o: HttpOptions) {
    this.#o = o;
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
        hostname: host,
        port,
        onListen: () => {},
        onError: (error) => {
          log.error("http.fault", { error: errorText(error) });
          return new Response("internal error", { status: 500 });
        },
      }, (request, info) => handle(request, info.remoteAddr.hostname));
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) {
        throw new PortError(
          `Port ${port} on ${host} is taken. Is ncc running already? Stop it, or set NCC_PORT to another one.`,
        );
      }
      if (error instanceof Deno.errors.PermissionDenied) {
        throw new PortError(
          `Port ${port} on ${host} may not be used by this user. Set NCC_PORT to one above 1023.`,
        );
      }
      throw error;
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
