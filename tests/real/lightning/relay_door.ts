/** A way to a relay that can be shut, and that can keep back what the wallet answers. */
export class RelayDoor implements AsyncDisposable {
  readonly #target: string;
  readonly #http: Deno.HttpServer<Deno.NetAddr>;
  readonly #sockets = new Set<WebSocket>();
  #keepMs = 0;

  private constructor(target: string) {
    this.#target = target;
    this.#http = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      this.#join(socket, new WebSocket(this.#target));
      return response;
    });
  }

  static open(target: string): RelayDoor {
    return new RelayDoor(target);
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#http.addr.port}`;
  }

  /** The next answer of a wallet (NIP-47) comes so much later. */
  keepNextAnswer(ms: number): void {
    this.#keepMs = ms;
  }

  /** Ends all connections; there are no new ones. */
  async shut(): Promise<void> {
    for (const socket of this.#sockets) socket.close();
    await this.#http.shutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shut();
  }

  #join(client: WebSocket, relay: WebSocket): void {
    const early: string[] = [];
    relay.onopen = () => early.splice(0).forEach((text) => relay.send(text));
    client.onmessage = ({ data }) => {
      if (relay.readyState === WebSocket.OPEN) relay.send(data);
      else early.push(data);
    };
    relay.onmessage = ({ data }) => {
      const send = () => client.readyState === WebSocket.OPEN && client.send(data);
      if (this.#keepMs === 0 || !/"kind":\s*23195\b/.test(data)) return void send();
      setTimeout(send, this.#keepMs);
      this.#keepMs = 0;
    };
    for (const socket of [client, relay]) {
      this.#sockets.add(socket);
      socket.onerror = (event) => event.preventDefault();
      socket.onclose = () => {
        this.#sockets.delete(socket);
        client.close();
        relay.close();
      };
    }
  }
}
