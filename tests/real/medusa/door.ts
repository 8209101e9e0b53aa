/** Is told of a call that was made. "lost": nobody hears of its answer. */
export type OnCall = (call: { method: string; path: string }) => Promise<"lost" | void>;

/** Stands before Medusa, where ncc looks for it: there is an address before there is a Medusa, and calls can get lost. */
export class Door implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #target: string | null = null;
  /** ncc's calls to the plugin get lost, as if they had come. */
  losesCalls = false;
  /** Before an answer of Medusa's goes back. */
  after: OnCall = () => Promise.resolve();
  /** What ncc's calls to the plugin were about, and how they were answered. */
  readonly calls: { state: string; status: number }[] = [];

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#pass(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  leadsTo(target: string): void {
    this.#target = target;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #pass(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const body = await request.arrayBuffer();
    const isCall = pathname === "/ncc/paid";
    const call = { method: request.method, path: pathname };
    const answer = isCall && this.losesCalls
      ? new Response(null, { status: 204 })
      : await this.#forward(request, pathname + search, body);
    if (await this.after(call) === "lost") return new Response(null, { status: 502 });
    if (isCall) {
      const { state } = JSON.parse(new TextDecoder().decode(body)) as { state: string };
      this.calls.push({ state, status: answer.status });
    }
    return answer;
  }

  async #forward(request: Request, path: string, body: ArrayBuffer): Promise<Response> {
    if (this.#target === null) return new Response(null, { status: 502 });
    const headers = new Headers(request.headers);
    headers.delete("host");
    const asked = { method: request.method, headers, ...(body.byteLength > 0 && { body }) };
    try {
      const answer = await fetch(this.#target + path, asked);
      // It is decoded here.
      const given = new Headers(answer.headers);
      for (const name of ["content-encoding", "content-length", "transfer-encoding"]) given.delete(name);
      const text = answer.status === 204 ? null : await answer.arrayBuffer();
      return new Response(text, { status: answer.status, headers: given });
    } catch {
      return new Response(null, { status: 502 });
    }
  }
}
