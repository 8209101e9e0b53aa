/** JSON messages over a connection, one a line, as the Electrum protocol has them. */
export class JsonLines {
  readonly #connection: Deno.TcpConn;
  #sending: Promise<void> = Promise.resolve();

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** What the other side sends, until the connection ends. */
  async *read(): AsyncGenerator<unknown> {
    let text = "";
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(64 * 1024);
    while (true) {
      // A connection that breaks has ended.
      const length = await this.#connection.read(chunk).catch(() => null);
      if (length === null) return this.close();
      text += decoder.decode(chunk.subarray(0, length), { stream: true });
      const lines = text.split("\n");
      text = lines.pop()!;
      for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
    }
  }

  /** Whole messages, one after the other; to who has gone, nothing. */
  send(message: unknown): Promise<void> {
    const bytes = new TextEncoder().encode(`${JSON.stringify(message)}\n`);
    return this.#sending = this.#sending.then(async () => {
      for (let done = 0; done < bytes.length;) {
        done += await this.#connection.write(bytes.subarray(done));
      }
    }).catch(() => this.close());
  }

  close(): void {
    try {
      this.#connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}
