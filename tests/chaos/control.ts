/** A process of the scene: it answers on a port of this machine, and ends when its parent does. */
export class Child {
  readonly #child: Deno.ChildProcess;
  readonly #url: string;

  private constructor(child: Deno.ChildProcess, url: string) {
    this.#child = child;
    this.#url = url;
  }

  /** Starts `module` and waits until it says on which port it answers. */
  static async start(module: string, args: string[]): Promise<Child> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", new URL(module, import.meta.url).pathname, ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const [ours, rest] = child.stdout.tee();
    rest.cancel();
    const reader = ours.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`${module} ended before it was ready`);
      text += value;
    }
    reader.cancel();
    return new Child(child, text.trim());
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** What the process said it answers on. */
  get url(): string {
    return this.#url;
  }

  async get<T>(path: string): Promise<T> {
    return await request(`${this.#url}${path}`, "GET");
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    return await request(`${this.#url}${path}`, "POST", body);
  }

  async stop(): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.status;
  }
}

/** Asks a process of the scene. */
export async function request<T>(url: string, method: string, body?: unknown): Promise<T> {
  const response = await fetch(url, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}

/** Answers JSON on a port of this machine, and says on which (the first line on stdout). */
export function answer(routes: Record<string, (body: unknown) => unknown>): void {
  Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen: ({ port }) => announce(`http://127.0.0.1:${port}`),
  }, async (incoming) => {
    const route = routes[`${incoming.method} ${new URL(incoming.url).pathname}`];
    if (!route) return new Response("no such route", { status: 404 });
    return Response.json(await route(incoming.method === "POST" ? await incoming.json() : undefined) ?? null);
  });
}

/** Tells the parent that this process is ready. */
export function announce(url: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${url}\n`));
}

/** Resolves when the parent is gone or wants the end. */
export async function parentGone(): Promise<void> {
  await Deno.stdin.readable.pipeTo(new WritableStream());
}
