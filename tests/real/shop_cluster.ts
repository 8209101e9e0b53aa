import * as nip04 from "nostr-tools/nip04";
import { finalizeEvent, generateSecretKey, getPublicKey, type NostrEvent } from "nostr-tools/pure";
import { freePort, NccProcess } from "../support/ncc_process.ts";
import { NostrClient } from "../support/nostr_client.ts";

const READY_MS = 60_000;
const AGAIN_MS = 1_000;
const MOST_TRIES = 60;
/** To each process. */
const CONNECTIONS = 8;
const stall = {
  id: "s",
  name: "S",
  currency: "sat",
  shipping: [{ id: "z", name: "Z", cost: 0, regions: ["*"] }],
};

/** An order as the API lists it. */
export interface ClusterOrder {
  id: string;
  customer: string;
  customer_order_id: string;
  payment: string;
  received_msat: string;
  invoices: { bolt11: string | null; state: string }[];
}

/** One shop served by several real processes on one database (or by one on SQLite). */
export class Cluster implements AsyncDisposable {
  readonly processes: NccProcess[] = [];
  readonly urls: string[] = [];
  merchant = "";
  #dataDir = "";

  /** `database`: of PostgreSQL; null: SQLite, for one process. */
  static async start(
    count: number,
    o: { database: string | null; settings?: Record<string, string> },
  ): Promise<Cluster> {
    const cluster = new Cluster();
    cluster.#dataDir = await Deno.makeTempDir({ prefix: "ncc-cluster-" });
    const settings = {
      NCC_WALLET: "demo:",
      ...(o.database !== null && { NCC_DATABASE_URL: o.database }),
      ...o.settings,
    };
    // The first makes the files that all share.
    await cluster.#add(settings);
    await Promise.all(Array.from({ length: count - 1 }, () => cluster.#add(settings)));
    await cluster.processes[0]!.call("POST", "/stalls", stall);
    const { data } = await cluster.processes[0]!.call<{ data: { pubkey: string }[] }>("GET", "/merchants");
    cluster.merchant = data[0]!.pubkey;
    return cluster;
  }

  async product(id: string, quantity: number | null): Promise<void> {
    await this.processes[0]!.call("POST", "/products", { id, stall_id: "s", name: id, price: 100, quantity });
  }

  async stock(id: string): Promise<{ quantity: number; held: number }> {
    return await this.#alive().call("GET", `/products/${id}`);
  }

  orders(): Promise<ClusterOrder[]> {
    return this.#alive().all<ClusterOrder>("/orders");
  }

  /** Everybody sends at once, spread over the processes' own relays. */
  async send(events: NostrEvent[]): Promise<void> {
    // A connection that is refused too often is hung up on.
    const urls = Array.from({ length: CONNECTIONS }, () => this.urls).flat();
    const clients = await Promise.all(urls.map((url) => NostrClient.connect(url, 60_000)));
    try {
      await Promise.all(events.map((event, i) => persist(clients[i % clients.length]!, event)));
    } finally {
      for (const client of clients) await client[Symbol.asyncDispose]();
    }
  }

  /** Somebody pays an invoice of the demo wallet. Each process has one of its own, and the one that made it books it. */
  async pay(bolt11: string): Promise<void> {
    for (const process of this.processes) {
      const said = await process.call("POST", "/demo/settle", { invoice: bolt11 }).catch((error) => error);
      if (!(said instanceof Error)) return;
      if (!said.message.includes(": 409 ")) throw said;
    }
    throw new Error("no process has made this invoice");
  }

  async kill(index: number): Promise<void> {
    await this.processes[index]!.end("SIGKILL");
    this.processes.splice(index, 1);
    this.urls.splice(index, 1);
  }

  /** What the processes have logged. */
  log(): Promise<string> {
    return Deno.readTextFile(`${this.#dataDir}/test.log`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.processes.map((one) => one.end("SIGTERM")));
    await Deno.remove(this.#dataDir, { recursive: true });
  }

  #alive(): NccProcess {
    return this.processes.at(-1)!;
  }

  async #add(settings: Record<string, string>): Promise<void> {
    const port = freePort();
    const ncc = new NccProcess({ dataDir: this.#dataDir, port, settings });
    this.processes.push(ncc);
    this.urls.push(`ws://127.0.0.1:${port}/relay`);
    if (await ncc.ready(READY_MS) === null) throw new Error(`not ready: ${await this.log()}`);
  }
}

/** Sends until it is taken: a relay that has enough to do says so, and a client comes back. */
async function persist(client: NostrClient, event: NostrEvent): Promise<void> {
  for (let tries = 1;; tries++) {
    const [accepted, reason] = await client.publish(event);
    if (accepted) return;
    if (tries === MOST_TRIES || !reason.startsWith("rate-limited:")) throw new Error(`refused: ${reason}`);
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS * (0.5 + Math.random())));
  }
}

/** An order by a new key, as it goes to a relay. */
export async function orderOf(merchant: string, productId: string): Promise<NostrEvent> {
  const key = generateSecretKey();
  const content = JSON.stringify({
    id: getPublicKey(key).slice(0, 16),
    type: 0,
    items: [{ product_id: productId, quantity: 1 }],
    shipping_id: "z",
    address: "1 Example Street",
  });
  return finalizeEvent({
    kind: 4,
    created_at: Math.floor(Date.now() / 1000),
    tags: [["p", merchant]],
    content: await nip04.encrypt(key, merchant, content),
  }, key);
}

/** Waits until it holds; throws with what it was about after `ms`. Answers how long it took (ms). */
export async function until(what: string, ms: number, holds: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!await holds()) {
    if (performance.now() - began > ms) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return performance.now() - began;
}
