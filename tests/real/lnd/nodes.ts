import { fetchCertified } from "../../../src/web/own_certificate.ts";
import { freePort } from "../../support/ncc_process.ts";
import { Daemon, eventually } from "../lightning/daemon.ts";

const PATIENCE_MS = 90_000;
/** LND begins on no chain that is shorter. */
const FIRST_BLOCKS = 10;
/** btcd knows SegWit from here on; what is mined can be spent a hundred blocks later. */
const SEGWIT_BLOCKS = 450;
/** A regtest address of nobody's, for these. */
const NOBODY = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
const RPC = { user: "u", password: "p" };
/** So that half of it can go each way. */
const CHANNEL_SAT = 1_000_000;

type Json = Record<string, unknown>;
interface Programs {
  lnd: string;
  btcd: string;
}

/** An LND of its own folder, asked as its owner by its own certificate and `admin.macaroon`. */
export class LndNode {
  readonly restPort = freePort();
  readonly peerPort = freePort();
  readonly #rpcPort = freePort();
  readonly #o: { program: string; dir: string; chain: string[] };
  #daemon: Daemon | null = null;
  #macaroon = "";
  certificate = "";

  constructor(o: { program: string; dir: string; chain: string[] }) {
    this.#o = o;
  }

  async start(): Promise<void> {
    const { program, dir, chain } = this.#o;
    await Deno.mkdir(dir, { recursive: true });
    const args = [
      ...["--bitcoin.regtest", "--bitcoin.node=btcd", "--bitcoin.defaultchanconfs=1", "--noseedbackup"],
      ...["--nobootstrap", "--debuglevel=info", "--trickledelay=50", `--lnddir=${dir}`],
      ...[`--restlisten=127.0.0.1:${this.restPort}`, `--rpclisten=127.0.0.1:${this.#rpcPort}`],
      ...[`--listen=127.0.0.1:${this.peerPort}`, ...chain],
    ];
    this.#daemon = new Daemon({ command: program, args: [], env: {} }, args, { dir, name: "lnd" });
    await eventually("LND answers", PATIENCE_MS, async () => {
      this.certificate = await Deno.readTextFile(`${dir}/tls.cert`);
      this.#macaroon = await this.macaroon("admin");
      const info = await this.ask("GET", "v1/getinfo");
      return info.synced_to_chain === true || undefined;
    });
  }

  async stop(): Promise<void> {
    await this.#daemon?.end();
    this.#daemon = null;
  }

  /** One of the macaroons that it made for itself, in hex. */
  async macaroon(name: "admin" | "invoice" | "readonly"): Promise<string> {
    const path = `${this.#o.dir}/data/chain/bitcoin/regtest/${name}.macaroon`;
    return (await Deno.readFile(path)).toHex();
  }

  async ask(method: string, path: string, json?: Json, ms = PATIENCE_MS): Promise<Json> {
    const text = await this.say(method, path, json, ms);
    return JSON.parse(text.trim().split("\n").at(-1)!);
  }

  /** The answer as it came. */
  async say(method: string, path: string, json?: Json, ms = PATIENCE_MS): Promise<string> {
    const response = await fetchCertified(
      new URL(`https://127.0.0.1:${this.restPort}/${path}`),
      {
        method,
        headers: { "grpc-metadata-macaroon": this.#macaroon },
        body: json === undefined ? null : JSON.stringify(json),
        signal: AbortSignal.timeout(ms),
      },
      this.certificate,
    );
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return text;
  }

  /** Pays as somebody's wallet would. Throws when it can't. */
  async pay(bolt11: string): Promise<void> {
    const json = {
      payment_request: bolt11,
      timeout_seconds: 20,
      fee_limit_msat: "10000",
      no_inflight_updates: true,
    };
    const { result } = await this.ask("POST", "v2/router/send", json) as { result: Json };
    if (result.status !== "SUCCEEDED") throw new Error(String(result.failure_reason));
  }
}

/** A chain of btcd's on regtest and two LND nodes with a channel between them, each with half of its money. */
export class LndPair implements AsyncDisposable {
  readonly #dir: string;
  readonly #programs: Programs;
  readonly #chainPort = freePort();
  #btcd: Daemon | null = null;
  #height = 0;
  readonly shop: LndNode;
  readonly customer: LndNode;

  private constructor(dir: string, programs: Programs) {
    this.#dir = dir;
    this.#programs = programs;
    const chain = [
      `--btcd.rpchost=127.0.0.1:${this.#chainPort}`,
      `--btcd.rpcuser=${RPC.user}`,
      `--btcd.rpcpass=${RPC.password}`,
      `--btcd.rpccert=${dir}/rpc.cert`,
    ];
    const node = (name: string) => new LndNode({ program: programs.lnd, dir: `${dir}/${name}`, chain });
    [this.shop, this.customer] = [node("shop"), node("customer")];
  }

  static async open(programs: Programs): Promise<LndPair> {
    const pair = new LndPair(await Deno.makeTempDir({ prefix: "ncc-lnd-" }), programs);
    try {
      await pair.#fund();
      return pair;
    } catch (error) {
      await pair[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Makes blocks. */
  async mine(blocks: number): Promise<void> {
    await this.#rpc("generate", [blocks]);
    this.#height += blocks;
    const synced = async (node: LndNode) => {
      const info = await node.ask("GET", "v1/getinfo");
      return Number(info.block_height) >= this.#height && info.synced_to_chain === true || undefined;
    };
    await eventually("the chain is followed", PATIENCE_MS, () => synced(this.customer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.shop.stop(), this.customer.stop()]);
    await this.#btcd?.end();
    await Deno.remove(this.#dir, { recursive: true });
  }

  /** btcd mines for the address that it began with, so that it begins twice; on regtest it forgets its chain each time. */
  async #fund(): Promise<void> {
    await this.#chain(NOBODY);
    await this.#rpc("generate", [FIRST_BLOCKS]);
    this.#height = FIRST_BLOCKS;
    await this.customer.start();
    const { address } = await this.customer.ask("GET", "v1/newaddress");
    await this.customer.stop();
    await this.#btcd!.end();
    await this.#chain(String(address));
    await this.#rpc("generate", [SEGWIT_BLOCKS]);
    this.#height = SEGWIT_BLOCKS;
    await Promise.all([this.customer.start(), this.shop.start()]);
    await this.#openChannel();
  }

  async #openChannel(): Promise<void> {
    const { identity_pubkey: shop } = await this.shop.ask("GET", "v1/getinfo") as { identity_pubkey: string };
    const addr = { pubkey: shop, host: `127.0.0.1:${this.shop.peerPort}` };
    await this.customer.ask("POST", "v1/peers", { addr, timeout: "10" });
    const asked = {
      node_pubkey: Uint8Array.fromHex(shop).toBase64(),
      local_funding_amount: String(CHANNEL_SAT),
      push_sat: String(CHANNEL_SAT / 2),
      spend_unconfirmed: true,
      sat_per_vbyte: "2",
    };
    await eventually("money to open a channel with", PATIENCE_MS, async () => {
      const { confirmed_balance: sat } = await this.customer.ask("GET", "v1/balance/blockchain");
      return Number(sat) > CHANNEL_SAT || undefined;
    });
    await this.customer.ask("POST", "v1/channels", asked);
    await this.mine(6);
    for (const node of [this.customer, this.shop]) {
      await eventually("the channel is open", PATIENCE_MS, async () => {
        const { channels } = await node.ask("GET", "v1/channels?active_only=true") as { channels: Json[] };
        return channels.length === 1 || undefined;
      });
    }
    // A channel is known for a moment before money finds its way through it.
    for (const [payer, payee] of [[this.customer, this.shop], [this.shop, this.customer]] as const) {
      const { payment_request } = await payee.ask("POST", "v1/invoices", { value: "1000", memo: "first" });
      const pays = async () => {
        await payer.pay(String(payment_request));
        return true as const;
      };
      await eventually("money goes through the channel", PATIENCE_MS, pays);
    }
  }

  async #chain(miningAddress: string): Promise<void> {
    const args = [
      ...["--regtest", "--txindex", "--nodnsseed", "--nostalldetect", "--nobanning", "--nowinservice"],
      ...[`--rpcuser=${RPC.user}`, `--rpcpass=${RPC.password}`, `--rpclisten=127.0.0.1:${this.#chainPort}`],
      ...["--nolisten", `--datadir=${this.#dir}/btcd`, `--logdir=${this.#dir}/btcd-logs`],
      ...[
        `--rpccert=${this.#dir}/rpc.cert`,
        `--rpckey=${this.#dir}/rpc.key`,
        `--miningaddr=${miningAddress}`,
      ],
    ];
    const program = { command: this.#programs.btcd, args: [], env: {} };
    this.#btcd = new Daemon(program, args, { dir: this.#dir, name: "btcd" });
    await eventually("btcd answers", PATIENCE_MS, () => this.#rpc("getblockcount", []));
  }

  async #rpc(method: string, params: unknown[]): Promise<unknown> {
    const response = await fetchCertified(
      new URL(`https://127.0.0.1:${this.#chainPort}/`),
      {
        method: "POST",
        headers: { authorization: `Basic ${btoa(`${RPC.user}:${RPC.password}`)}` },
        body: JSON.stringify({ jsonrpc: "1.0", id: 1, method, params }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      },
      await Deno.readTextFile(`${this.#dir}/rpc.cert`),
    );
    const { result, error } = await response.json();
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }
}
