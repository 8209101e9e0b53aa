import type { Dice, RelayFaults } from "./faults.ts";

/** One client's connection and the one to the honest relay behind it. */
export class Passage {
  readonly #client: WebSocket;
  readonly #relay: WebSocket;
  readonly #dice: Dice;
  readonly #faults: RelayFaults;
  readonly #early: string[] = [];
  /** Open, and dead. */
  #frozen = false;

  constructor(client: WebSocket, target: string, dice: Dice, faults: RelayFaults) {
    this.#client = client;
    this.#relay = new WebSocket(target);
    this.#dice = dice;
    this.#faults = faults;
    this.#relay.onopen = () => this.#early.splice(0).forEach((text) => this.#relay.send(text));
    client.onmessage = ({ data }) => this.#up(String(data));
    this.#relay.onmessage = ({ data }) => this.#down(String(data));
    for (const socket of [client, this.#relay]) {
      socket.onerror = (event) => event.preventDefault();
      socket.onclose = () => this.#end();
    }
    // Until it is cut: by chance, so that connections aren't cut together.
    const life = -Math.log(1 - dice.next()) * faults.cutMs;
    const cut = setTimeout(() => {
      if (dice.hits(faults.frozen)) this.#frozen = true;
      else if (dice.hits(faults.binary)) this.#toClient(new Uint8Array([1, 2, 3]));
      else this.#end();
    }, life);
    Deno.unrefTimer(cut);
  }

  #up(text: string): void {
    const { swallowEvent, lyingOk, rateLimited, twice } = this.#faults;
    if (this.#frozen) return;
    const [verb, event] = JSON.parse(text) as [string, { id: string }];
    if (verb !== "EVENT") return this.#toRelay(text);
    if (this.#dice.hits(swallowEvent)) return;
    if (this.#dice.hits(lyingOk)) return this.#toClient(JSON.stringify(["OK", event.id, true, ""]));
    if (this.#dice.hits(rateLimited)) {
      return this.#toClient(JSON.stringify(["OK", event.id, false, "rate-limited: not so fast"]));
    }
    this.#perhapsLate(() => this.#toRelay(text));
    if (this.#dice.hits(twice)) this.#perhapsLate(() => this.#toRelay(text));
  }

  #down(text: string): void {
    const { hideEvent, showTwice, swallowAnswer } = this.#faults;
    if (this.#frozen) return;
    const verb = /^\["(\w+)"/.exec(text)?.[1];
    if (verb === "EVENT") {
      if (this.#dice.hits(hideEvent)) return;
      this.#perhapsLate(() => this.#toClient(text));
      if (this.#dice.hits(showTwice)) this.#perhapsLate(() => this.#toClient(text));
    } else if (!((verb === "OK" || verb === "EOSE") && this.#dice.hits(swallowAnswer))) {
      this.#toClient(text);
    }
  }

  #perhapsLate(send: () => void): void {
    if (!this.#dice.hits(this.#faults.late)) return send();
    setTimeout(send, this.#dice.upTo(this.#faults.delayMs));
  }

  #toRelay(text: string): void {
    if (this.#relay.readyState === WebSocket.OPEN) this.#relay.send(text);
    else if (this.#relay.readyState === WebSocket.CONNECTING) this.#early.push(text);
  }

  #toClient(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.#client.readyState === WebSocket.OPEN) this.#client.send(data);
  }

  #end(): void {
    for (const socket of [this.#client, this.#relay]) {
      if (socket.readyState === WebSocket.OPEN || socket.readyState === WebSocket.CONNECTING) socket.close();
    }
  }
}
