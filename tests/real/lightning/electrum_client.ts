import { JsonLines } from "./json_lines.ts";

interface Message {
  id?: number;
  method?: string;
  params?: unknown[];
  result?: unknown;
  error?: { message: string };
}

const PATIENCE_MS = 10_000;

/** A client of the Electrum protocol, to see what a server says. */
export class ElectrumClient implements AsyncDisposable {
  readonly #lines: JsonLines;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #told: Message[] = [];
  readonly #reading: Promise<void>;
  #woken = Promise.withResolvers<void>();
  #count = 0;

  private constructor(connection: Deno.TcpConn) {
    this.#lines = new JsonLines(connection);
    this.#reading = this.#read();
  }

  static async connect(port: number): Promise<ElectrumClient> {
    return new ElectrumClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async call<T>(method: string, params: unknown[]): Promise<T> {
    const id = ++this.#count;
    const answer = Promise.withResolvers<unknown>();
    this.#asked.set(id, answer);
    await this.#lines.send({ jsonrpc: "2.0", id, method, params });
    return await answer.promise as T;
  }

  /** Waits until the server tells something of itself about `first`; each thing is heard once. */
  async told(method: string, first: unknown): Promise<unknown[]> {
    const late = AbortSignal.timeout(PATIENCE_MS);
    const over = new Promise<never>((_, reject) => {
      late.onabort = () => reject(new Error(`the server doesn't tell ${method} ${first}`));
    });
    while (true) {
      const found = this.#told.findIndex((message) =>
        message.method === method && message.params?.[0] === first
      );
      if (found >= 0) return this.#told.splice(found, 1)[0]!.params!;
      await Promise.race([this.#woken.promise, over]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lines.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const line of this.#lines.read()) {
      const message = line as Message;
      if (message.id === undefined) {
        this.#told.push(message);
        this.#woken.resolve();
        this.#woken = Promise.withResolvers();
        continue;
      }
      const asked = this.#asked.get(message.id);
      if (message.error) asked?.reject(new Error(message.error.message));
      else asked?.resolve(message.result);
    }
  }
}
