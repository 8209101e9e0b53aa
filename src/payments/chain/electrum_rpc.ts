import { z } from "zod";
import { errorText } from "../../log.ts";
import { unlessAborted } from "../../nostr/deadline.ts";
import { ChainError } from "./chain_server.ts";
import { JsonLines } from "./json_lines.ts";

const answer = z.object({ id: z.number(), result: z.unknown(), error: z.unknown().optional() });
const notice = z.object({ method: z.string(), params: z.array(z.unknown()) });

/** Where a server of the Electrum protocol listens. */
export interface ElectrumAddress {
  host: string;
  port: number;
  tls: boolean;
  /** Who may have signed its certificate besides those whom everybody trusts (PEM). */
  caCerts?: string[];
}

/** JSON-RPC over one connection: calls, and what the server tells by itself. */
export class ElectrumRpc {
  readonly #lines: JsonLines;
  readonly #onNotice: (method: string, params: unknown[]) => void;
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  readonly #reading: Promise<void>;
  #next = 1;
  #broken: ChainError | null = null;

  private constructor(connection: Deno.Conn, onNotice: (method: string, params: unknown[]) => void) {
    this.#lines = new JsonLines(connection);
    this.#onNotice = onNotice;
    this.#reading = this.#read();
  }

  /** Throws a ChainError when there is no connection. */
  static async connect(
    address: ElectrumAddress,
    onNotice: (method: string, params: unknown[]) => void,
    signal: AbortSignal,
  ): Promise<ElectrumRpc> {
    try {
      const plain = await Deno.connect({ hostname: address.host, port: address.port, signal });
      return new ElectrumRpc(address.tls ? await secured(plain, address, signal) : plain, onNotice);
    } catch (error) {
      throw new ChainError(signal.aborted ? "no connection in time" : `no connection: ${errorText(error)}`);
    }
  }

  /** Why the connection has ended; null while it stands. */
  get broken(): ChainError | null {
    return this.#broken;
  }

  /** One call. Throws a ChainError with the server's words when it refuses. */
  async call(method: string, params: unknown[], signal: AbortSignal): Promise<unknown> {
    if (this.#broken) throw this.#broken;
    const id = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    try {
      this.#lines.send({ jsonrpc: "2.0", id, method, params })
        .catch((error) => reject(new ChainError(`the connection broke: ${errorText(error)}`)));
      return await unlessAborted(promise, signal);
    } catch (error) {
      if (error instanceof ChainError) throw error;
      throw new ChainError(`no answer to ${method} in time`);
    } finally {
      this.#waiting.delete(id);
    }
  }

  async close(): Promise<void> {
    this.#broken ??= new ChainError("the connection was closed");
    this.#lines.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    try {
      for await (const message of this.#lines.read()) this.#take(message);
      this.#broken ??= new ChainError("the server ended the connection");
    } catch (error) {
      this.#broken ??= error instanceof ChainError
        ? error
        : new ChainError(`the connection broke: ${errorText(error)}`);
    }
    this.#lines.close();
    for (const { reject } of this.#waiting.values()) reject(this.#broken);
  }

  #take(message: unknown): void {
    const told = notice.safeParse(message);
    if (told.success) return this.#onNotice(told.data.method, told.data.params);
    const read = answer.safeParse(message);
    if (!read.success) throw new ChainError("it answers something that isn't JSON-RPC");
    const { id, result, error } = read.data;
    const waiting = this.#waiting.get(id);
    if (error === undefined || error === null) return waiting?.resolve(result);
    const said = z.object({ message: z.string() }).safeParse(error);
    waiting?.reject(
      new ChainError(`it refused: ${(said.data?.message ?? "without a reason").slice(0, 200)}`),
    );
  }
}

/** The certificate has to be valid for the host's name. */
async function secured(
  plain: Deno.TcpConn,
  { host: hostname, caCerts = [] }: ElectrumAddress,
  signal: AbortSignal,
): Promise<Deno.TlsConn> {
  // It takes the plain connection's place.
  const connection = await Deno.startTls(plain, { hostname, caCerts });
  try {
    // Closing it doesn't end a handshake that nobody answers.
    await unlessAborted(connection.handshake(), signal);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}
