import { fileURLToPath } from "node:url";

/** ncc, as a process of its own. */
export class NccServer {
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #about: { url: string; merchant: string; token: string };

  private constructor(child: Deno.ChildProcess, about: { url: string; merchant: string; token: string }) {
    this.#child = child;
    this.#stdin = child.stdin.getWriter();
    this.#about = about;
  }

  /** `profile`: a directory for a CPU profile. */
  static async start(settings: Record<string, string>, profile: string | null): Promise<NccServer> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        ...(profile === null ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`]),
        fileURLToPath(new URL("./server.ts", import.meta.url)),
        JSON.stringify(settings),
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error("ncc ended at its start");
      text += value;
    }
    return new NccServer(child, JSON.parse(text));
  }

  get pid(): number {
    return this.#child.pid;
  }

  get url(): string {
    return this.#about.url;
  }

  get merchant(): string {
    return this.#about.merchant;
  }

  /** Somebody pays this invoice. */
  pay(bolt11: string): void {
    this.#stdin.write(new TextEncoder().encode(`${bolt11}\n`));
  }

  /** A stall with a lamp. */
  async openShop(): Promise<void> {
    const call = async (path: string, body: unknown) => {
      const response = await fetch(`${this.url}/api/v1${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${this.#about.token}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      if (!response.ok) throw new Error(await response.text());
      await response.body?.cancel();
    };
    const zone = { id: "post", name: "Post", cost: 1500, regions: ["*"] };
    await call("/stalls", { id: "stall", name: "Bench", currency: "sat", shipping: [zone] });
    await call("/products", {
      id: "lamp",
      stall_id: "stall",
      name: "Lamp",
      price: 2000,
      quantity: 1_000_000,
    });
  }

  /** Prometheus' figures, as text. */
  async metrics(): Promise<string> {
    const response = await fetch(`${this.url}/metrics`, {
      headers: { authorization: `Bearer ${this.#about.token}` },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text;
  }

  /** Ends when what is under way has ended. */
  async stop(): Promise<void> {
    await this.#stdin.close();
    await this.#child.status;
  }
}
