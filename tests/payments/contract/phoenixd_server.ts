import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import type { Network } from "../../../src/payments/wallet.ts";
import { type PaperInvoice, PaperNode } from "./paper_node.ts";
import { tooLate, WalletServer } from "./wallet_server.ts";

interface Incoming extends PaperInvoice {
  externalId: string | undefined;
  completedAt: number | undefined;
  receivedSat: number;
  fees: number;
}

interface Outgoing {
  paymentHash: string;
  preimage: string | undefined;
  isPaid: boolean;
  completedAt: number | undefined;
}

/** A phoenixd without a network, after the source of its version 0.8: forms in, pretty JSON without nulls or plain text out. */
export class PhoenixdServer extends WalletServer {
  readonly full = crypto.randomUUID();
  readonly limited = crypto.randomUUID();
  readonly webhookSecret = crypto.randomUUID();
  readonly incoming = new Map<string, Incoming>();
  readonly outgoing = new Map<string, Outgoing>();
  /** msat that the next payment costs the receiver for new liquidity. */
  liquidityFee = 0;
  losing = false;
  /** What it says of payments that it doesn't make. */
  reason = "could not find a route to the recipient";
  readonly #node: PaperNode;
  readonly #others: PaperNode;
  readonly #payable = new Map<string, string>();

  constructor(readonly network: Network = "bc") {
    super();
    this.#node = new PaperNode(network);
    this.#others = new PaperNode(network);
  }

  pay(bolt11: string): void {
    const invoice = [...this.incoming.values()].find((one) => one.bolt11 === bolt11);
    if (!invoice || invoice.completedAt !== undefined || invoice.expiresAt < Date.now()) {
      throw new Error("it can't be paid");
    }
    const left = Number(invoice.amountMsat) - this.liquidityFee;
    invoice.receivedSat = Math.floor(left / 1000);
    invoice.fees = this.liquidityFee;
    invoice.completedAt = Date.now();
    this.liquidityFee = 0;
    this.tell(this.event(invoice));
  }

  /** The body of a webhook, and what the WebSocket says. */
  event({ paymentHash, receivedSat, externalId, completedAt }: Incoming): unknown {
    return {
      type: "payment_received",
      amountSat: receivedSat,
      paymentHash,
      externalId,
      timestamp: completedAt,
    };
  }

  async theirInvoice(amountMsat: bigint, payable: boolean): Promise<string> {
    const { bolt11, paymentHash, preimage } = await this.#others.make({ amountMsat });
    if (payable) this.#payable.set(paymentHash, preimage);
    return bolt11;
  }

  protected async answer(request: Request, url: URL): Promise<Response> {
    const [type = "", credentials = ""] = (request.headers.get("authorization") ?? "").split(" ");
    const password = type === "Basic" ? atob(credentials).split(":").slice(1).join(":") : "";
    const path = url.pathname.slice(1);
    if (password !== this.full && password !== this.limited) return unauthorized();
    if (path === "websocket") return this.upgrade(request);
    const form = request.method === "POST" ? await formOf(request) : new URLSearchParams();
    switch (`${request.method} ${path}`) {
      case "GET getinfo": {
        const chain = { bc: "mainnet", tb: "testnet3", tbs: "signet", bcrt: "regtest" }[this.network];
        return pretty({
          nodeId: "02".repeat(33),
          channels: [],
          chain,
          blockHeight: 900_000,
          version: "0.8.0",
        });
      }
      case "POST createinvoice":
        return await this.#create(form);
      case "GET payments/incoming":
        return this.#list(url.searchParams);
      case "POST payinvoice":
        return password === this.full ? this.#pay(form) : unauthorized();
    }
    const hash = path.split("/").at(-1)!;
    if (path.startsWith("payments/incoming/")) {
      const found = this.incoming.get(hash);
      return found ? pretty(incomingJson(found)) : text("Not found", 404);
    }
    if (path.startsWith("payments/outgoingbyhash/")) {
      const found = this.outgoing.get(hash);
      return found ? pretty(outgoingJson(found)) : text("Not found", 404);
    }
    return text("Unknown endpoint (check api doc)", 404);
  }

  async #create(form: URLSearchParams): Promise<Response> {
    const description = form.get("description");
    const descriptionHash = form.get("descriptionHash");
    if ((description === null) === (descriptionHash === null)) {
      return text("Must provide either a description or descriptionHash", 400);
    }
    if (description !== null && description.length > 128) {
      return text("Request parameter description is too long (max 128 characters)", 400);
    }
    const made = await this.#node.make({
      amountMsat: BigInt(form.get("amountSat")!) * 1000n,
      description: description ?? "",
      descriptionHash: descriptionHash ?? undefined,
      expirySeconds: Number(form.get("expirySeconds") ?? 3_600),
    });
    const externalId = form.get("externalId") ?? undefined;
    const { paymentHash, bolt11: serialized, amountMsat } = made;
    this.incoming.set(paymentHash, { ...made, externalId, completedAt: undefined, receivedSat: 0, fees: 0 });
    const answer = () => pretty({ amountSat: Number(amountMsat / 1000n), paymentHash, serialized });
    if (!this.losing) return answer();
    this.losing = false;
    return await tooLate(answer);
  }

  #list(query: URLSearchParams): Response {
    const [from, to] = [Number(query.get("from")), Number(query.get("to"))];
    const [limit, offset] = [Number(query.get("limit") ?? 20), Number(query.get("offset") ?? 0)];
    const paid = [...this.incoming.values()]
      .filter(({ completedAt }) => completedAt !== undefined && completedAt >= from && completedAt <= to)
      .sort((a, b) => b.completedAt! - a.completedAt!);
    return pretty(paid.slice(offset, offset + limit).map(incomingJson));
  }

  #pay(form: URLSearchParams): Response {
    const bolt11 = form.get("invoice");
    if (bolt11 === null) return text("Request parameter invoice is missing", 400);
    const read = decodeBolt11(bolt11);
    if (!read.ok) return text("Request parameter invoice couldn't be parsed/converted to bolt11invoice", 400);
    const { paymentHash, amountMsat } = read.invoice;
    if (this.outgoing.get(paymentHash)?.isPaid) {
      return pretty({ paymentHash, reason: "this invoice has already been paid" });
    }
    const preimage = this.#payable.get(paymentHash);
    const isPaid = preimage !== undefined;
    this.outgoing.set(paymentHash, { paymentHash, preimage, isPaid, completedAt: Date.now() });
    if (!isPaid) return pretty({ paymentHash, reason: this.reason });
    return pretty({
      recipientAmountSat: Number((amountMsat ?? 0n) / 1000n),
      routingFeeSat: 4,
      paymentId: crypto.randomUUID(),
      paymentHash,
      paymentPreimage: preimage,
    });
  }
}

function incomingJson(one: Incoming): unknown {
  return {
    type: "incoming_payment",
    subType: "lightning",
    paymentHash: one.paymentHash,
    preimage: one.preimage,
    externalId: one.externalId,
    description: one.description,
    invoice: one.bolt11,
    isPaid: one.completedAt !== undefined,
    isExpired: Date.now() > one.expiresAt,
    requestedSat: Number(one.amountMsat / 1000n),
    receivedSat: one.receivedSat,
    fees: one.fees,
    expiresAt: one.expiresAt,
    completedAt: one.completedAt,
    createdAt: one.createdAt,
  };
}

function outgoingJson(one: Outgoing): unknown {
  return {
    type: "outgoing_payment",
    subType: "lightning",
    paymentId: crypto.randomUUID(),
    ...one,
    sent: 2,
    fees: 4_000,
    createdAt: Date.now(),
  };
}

async function formOf(request: Request): Promise<URLSearchParams> {
  const type = request.headers.get("content-type")?.split(";")[0];
  if (type !== "application/x-www-form-urlencoded") throw new Error(`no form: ${type}`);
  return new URLSearchParams(await request.text());
}

function pretty(value: unknown): Response {
  return new Response(JSON.stringify(value, null, 4), { headers: { "content-type": "application/json" } });
}

function text(words: string, status: number): Response {
  return new Response(words, { status, headers: { "content-type": "text/plain; charset=UTF-8" } });
}

function unauthorized(): Response {
  return text("Invalid authentication (use basic auth with the http password set in phoenix.conf)", 401);
}
