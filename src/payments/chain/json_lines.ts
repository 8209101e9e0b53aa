import { ChainError } from "./chain_server.ts";

/** A transaction of the largest size that a block can hold, as hex. */
const MOST_BYTES = 10 * 1024 * 1024;
const NEWLINE = 10;

/** JSON messages on a byte stream, one a line: what the Electrum protocol speaks. Bounded: a line without end is a fault. */
export class JsonLines {
  readonly #connection: Deno.Conn;
  #sending: Promise<void> = Promise.resolve();

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** One after the other: two writers' lines never mix. */
  send(message: unknown): Promise<void> {
    const bytes = new TextEncoder().encode(`${JSON.stringify(message)}\n`);
    const sent = this.#sending.then(async () => {
      for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
    });
    // A failure is told to whoever waits for this line; the reader finds it, too.
    this.#sending = sent.catch(() => undefined);
    return sent;
  }

  /** The messages as they come, until the connection ends. Throws a ChainError for what isn't JSON or too long. */
  async *read(): AsyncGenerator<unknown> {
    const buffer = new Uint8Array(64 * 1024);
    let parts: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      const count = await this.#connection.read(buffer);
      if (count === null) return;
      let rest = buffer.slice(0, count);
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
        yield parsed([...parts, rest.subarray(0, end)]);
        [parts, size] = [[], 0];
        rest = rest.subarray(end + 1);
      }
      parts.push(rest);
      size += rest.length;
      if (size > MOST_BYTES) throw new ChainError("it answers without end");
    }
  }

  close(): void {
    try {
      this.#connection.close();
    } catch (error) {
      // Its other end was quicker.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

function parsed(parts: Uint8Array[]): unknown {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) throw new ChainError("it answers something that isn't JSON");
    throw error;
  }
}
