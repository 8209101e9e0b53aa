import { RawTx } from "@scure/btc-signer";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

const REGTEST = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206";

/** A transaction that pays to scripts, as bytes. */
export function transaction(
  outputs: { script: Uint8Array; amountSat: bigint }[],
  version = 2,
): { txid: string; raw: string } {
  const bytes = RawTx.encode(
    {
      version,
      segwitFlag: false,
      inputs: [{
        txid: new Uint8Array(32).fill(3),
        index: 0,
        finalScriptSig: new Uint8Array(),
        sequence: 0xfffffffd,
      }],
      outputs: outputs.map(({ script, amountSat }) => ({ script, amount: amountSat })),
      lockTime: 0,
    } as Parameters<typeof RawTx.encode>[0],
  );
  return { txid: bytesToHex(sha256(sha256(bytes)).reverse()), raw: bytesToHex(bytes) };
}

/** A server of the Electrum protocol whose answers are a table: what it says can be wrong in every way. */
export class ElectrumFake implements AsyncDisposable {
  readonly calls: [method: string, params: unknown[]][] = [];
  readonly answers: Record<string, (params: unknown[]) => unknown> = {
    "server.version": () => ["fake", "1.4"],
    "server.features": () => ({ genesis_hash: REGTEST, hash_function: "sha256" }),
    "server.ping": () => null,
    "blockchain.headers.subscribe": () => ({ height: 100, hex: "00" }),
    "blockchain.scripthash.subscribe": () => null,
    "blockchain.scripthash.get_history": () => [],
  };
  readonly #listener: Deno.Listener;
  readonly #connections = new Set<Deno.Conn>();
  readonly #accepting: Promise<void>;

  constructor(tls?: { cert: string; key: string }) {
    this.#listener = tls
      ? Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...tls })
      : Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#accepting = this.#accept();
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  /** Sends a text to whoever is connected. */
  async say(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    for (const connection of this.#connections) {
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    }
  }

  /** Tells of something, as a server does by itself. */
  tell(method: string, params: unknown[]): Promise<void> {
    return this.say(`${JSON.stringify({ jsonrpc: "2.0", method, params })}\n`);
  }

  /** Ends all connections. */
  hangUp(): void {
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.hangUp();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const serving: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      this.#connections.add(connection);
      const served = this.#serve(connection).catch(() => undefined).finally(() => {
        if (this.#connections.delete(connection)) connection.close();
      });
      serving.push(served);
    }
    await Promise.all(serving);
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(65_536);
    for (let text = "";;) {
      const count = await connection.read(buffer);
      if (count === null) return;
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        const { id, method, params } = JSON.parse(text.slice(0, end));
        text = text.slice(end + 1);
        this.calls.push([method, params]);
        const answer = this.#answer(id, method, params);
        if (answer !== null) await connection.write(new TextEncoder().encode(`${JSON.stringify(answer)}\n`));
      }
    }
  }

  /** Null: it says nothing. */
  #answer(id: number, method: string, params: unknown[]): Record<string, unknown> | null {
    const known = this.answers[method];
    try {
      const result = known ? known(params) : null;
      return result === undefined ? null : { jsonrpc: "2.0", id, result };
    } catch (error) {
      return { jsonrpc: "2.0", id, error: { code: 1, message: (error as Error).message } };
    }
  }
}
