/** What a wallet's server of ours has in common with the others: it listens here, can lose an answer, and ends with all it has. */
export abstract class WalletServer implements AsyncDisposable {
  /** Every question: method and path. */
  readonly asked: string[] = [];
  /** Answers that come before any other, each once, for paths that begin so: faults. */
  readonly faults: { path: string; answer: () => Response | Promise<Response> }[] = [];
  /** What came with the questions that met a fault. */
  readonly bodies: string[] = [];
  readonly #sockets = new Set<WebSocket>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #stopped = false;

  constructor() {
    const options = { port: 0, hostname: "127.0.0.1", onListen() {} };
    this.#server = Deno.serve(options, (request) => this.#handle(request));
  }

  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  get sockets(): number {
    return this.#sockets.size;
  }

  /** Breaks every WebSocket, as a restart or a proxy does. */
  breakSockets(): void {
    for (const socket of this.#sockets) socket.close();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.breakSockets();
    await this.#server.shutdown();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  protected abstract answer(request: Request, url: URL): Response | Promise<Response>;

  protected tell(message: unknown): void {
    for (const socket of this.#sockets) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    }
  }

  protected upgrade(request: Request): Response {
    const { socket, response } = Deno.upgradeWebSocket(request);
    this.#sockets.add(socket);
    socket.onclose = () => this.#sockets.delete(socket);
    return response;
  }

  async #handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    this.asked.push(`${request.method} ${url.pathname}${url.search}`);
    const fault = this.faults.findIndex(({ path }) => url.pathname.startsWith(path));
    if (fault >= 0) {
      this.bodies.push(await request.text());
      return await this.faults.splice(fault, 1)[0]!.answer();
    }
    return await this.answer(request, url);
  }
}

/** The answer comes later than anybody waits for it. */
export async function tooLate(response: () => Response | Promise<Response>): Promise<Response> {
  const answer = await response();
  await new Promise((resolve) => setTimeout(resolve, 500));
  return answer;
}
