import { createHash } from "node:crypto";
import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import { type PaperInvoice, PaperNode } from "./paper_node.ts";
import { tooLate, WalletServer } from "./wallet_server.ts";

type State = "pending" | "success" | "failed";

interface Row {
  checkingId: string;
  hash: string;
  /** msat; negative: it went out. */
  amount: number;
  bolt11: string;
  memo: string;
  state: State;
  preimage: string | null;
  expiry: number;
  time: number;
  updated: number;
  labels: string[];
  extra: unknown;
}

/**
 * One wallet of an LNbits over a node of paper, as LNbits 1.6.2 was seen to answer (tests/real/lnbits runs the same suite against the
 * real one): 404 for an unknown key, 520 for what it can't pay, times with and without a zone, the preimage of unpaid invoices.
 */
export class LnbitsPaperServer extends WalletServer {
  readonly inkey = crypto.randomUUID().replaceAll("-", "");
  readonly adminkey = crypto.randomUUID().replaceAll("-", "");
  readonly rows: Row[] = [];
  losing = false;
  /** Payments stay under way. */
  stuck = false;
  readonly #node = new PaperNode("bc");
  readonly #others = new PaperNode("bc");
  readonly #payable = new Map<string, string>();

  pay(bolt11: string): void {
    const row = this.rows.find((one) => one.bolt11 === bolt11 && one.amount > 0);
    if (row?.state !== "pending" || row.expiry < Date.now()) throw new Error("it can't be paid");
    row.state = "success";
    row.updated = Date.now();
    this.tell({ wallet_balance: 1, payment: json(row) });
  }

  async theirInvoice(amountMsat: bigint, payable: boolean): Promise<string> {
    const { bolt11, paymentHash, preimage } = await this.#others.make({ amountMsat });
    if (payable) this.#payable.set(paymentHash, preimage);
    return bolt11;
  }

  protected async answer(request: Request, url: URL): Promise<Response> {
    const path = url.pathname.replace(/^\/api\/v1\//, "");
    if (path.startsWith("ws/")) return this.upgrade(request);
    const key = request.headers.get("x-api-key");
    const known = key === this.inkey || key === this.adminkey;
    const admin = key === this.adminkey;
    if (request.method === "GET" && path.startsWith("payments/")) {
      return this.#lookUp(path.slice("payments/".length), known);
    }
    if (!known) return Response.json({ detail: "Wallet not found." }, { status: 404 });
    switch (`${request.method} ${path}`) {
      case "GET wallet":
        return Response.json({ name: "shop", balance: 0, ...(admin && { id: "0".repeat(32) }) });
      case "GET payments":
        return this.#list(url.searchParams);
      case "POST payments": {
        const asked = await request.json();
        if (!asked.out) return await this.#create(asked);
        if (!admin) {
          return Response.json({ detail: "Invoice (or Admin) key required." }, { status: 403 });
        }
        return this.#pay(asked.bolt11);
      }
    }
    return Response.json({ detail: "Not Found" }, { status: 404 });
  }

  async #create(
    asked: {
      amount: number;
      unit: string;
      memo: string;
      unhashed_description?: string;
      expiry: number;
      extra: unknown;
    },
  ): Promise<Response> {
    if (asked.unit !== "sat") return failed("no rate");
    if (asked.memo.length > 640) {
      return Response.json({ detail: [{ loc: ["body", "memo"], msg: "too long" }] }, { status: 400 });
    }
    const amountMsat = BigInt(asked.amount) * 1000n;
    const made = await this.#node.make({
      amountMsat,
      description: asked.memo,
      descriptionHash: asked.unhashed_description &&
        createHash("sha256").update(asked.unhashed_description, "hex").digest("hex"),
      expirySeconds: asked.expiry,
    });
    const memo = asked.unhashed_description === undefined ? asked.memo : "";
    const row = this.#add({ ...made, description: memo }, Number(amountMsat), "pending", asked.extra);
    // Only this answer leaves the zone out of the expiry.
    const answer = () =>
      Response.json({ ...json(row), expiry: iso(row.expiry).slice(0, 19) }, { status: 201 });
    if (!this.losing) return answer();
    this.losing = false;
    return await tooLate(answer);
  }

  #pay(bolt11: string): Response {
    const read = decodeBolt11(bolt11);
    if (!read.ok) return failed("Bolt11 decoding failed.");
    const { paymentHash, amountMsat, timestamp, expirySeconds } = read.invoice;
    const own = this.rows.find((row) => row.hash === paymentHash && row.amount > 0);
    const before = this.rows.find((row) => row.hash === paymentHash && row.amount < 0);
    if (own?.state === "success" || before?.state === "success") {
      return failed(
        own ? "Internal invoice already paid." : "Payment already paid",
        own ? "failed" : "success",
      );
    }
    const invoice = {
      bolt11,
      paymentHash,
      preimage: own?.preimage ?? this.#payable.get(paymentHash) ?? "",
      description: "theirs",
      createdAt: timestamp * 1000,
      expiresAt: (timestamp + expirySeconds) * 1000,
    };
    const state = this.stuck ? "pending" : invoice.preimage === "" ? "failed" : "success";
    const row = this.#add(invoice, -Number(amountMsat), state, {});
    if (state === "failed") return failed("Payment failed: Only internal invoices can be used!");
    if (own && state === "success") this.pay(own.bolt11);
    return Response.json(json(row), { status: 201 });
  }

  #lookUp(hash: string, known: boolean): Response {
    const row = this.rows.filter((one) => one.hash === hash).sort((a, b) => a.amount - b.amount)[0];
    if (!row) return Response.json({ detail: "Payment does not exist." }, { status: 404 });
    if (row.amount > 0 && row.state === "pending" && row.expiry < Date.now()) {
      row.state = "failed";
      row.labels.push("expired");
    }
    const paid = row.state === "success";
    const preimage = paid ? row.preimage : null;
    return Response.json(
      known ? { paid, status: row.state, preimage, details: json(row) } : { paid, preimage },
    );
  }

  /** It knows no other filters, and heeds none that it doesn't know. */
  #list(query: URLSearchParams): Response {
    const number = (name: string, otherwise: number) => Number(query.get(name) ?? otherwise);
    const found = this.rows.filter((row) =>
      row.state !== "failed" && (query.get("status") ?? row.state) === row.state &&
      (query.get("payment_hash") ?? row.hash) === row.hash &&
      row.amount > number("amount[gt]", -Infinity) &&
      row.time >= number("time[ge]", 0) * 1000 && row.time <= number("time[le]", Infinity) * 1000
    ).sort((a, b) => b.time - a.time);
    const offset = number("offset", 0);
    return Response.json(found.slice(offset, offset + number("limit", 10)).map(json));
  }

  #add(
    invoice: Omit<PaperInvoice, "amountMsat">,
    amount: number,
    state: State,
    extra: unknown,
  ): Row {
    const row = {
      checkingId: amount < 0 ? `internal_${invoice.paymentHash}` : invoice.paymentHash,
      hash: invoice.paymentHash,
      amount,
      bolt11: invoice.bolt11,
      memo: invoice.description,
      state,
      preimage: invoice.preimage || null,
      expiry: invoice.expiresAt,
      time: Date.now(),
      updated: Date.now(),
      labels: [],
      extra,
    };
    this.rows.push(row);
    return row;
  }
}

/** A PaymentError or an InvoiceError. */
function failed(detail: string, status = "failed"): Response {
  return Response.json({ detail, status }, { status: 520 });
}

function json(row: Row): Record<string, unknown> {
  return {
    checking_id: row.checkingId,
    payment_hash: row.hash,
    wallet_id: "0".repeat(32),
    amount: row.amount,
    fee: row.amount < 0 ? -2_000 : 0,
    bolt11: row.bolt11,
    payment_request: row.bolt11,
    fiat_provider: null,
    status: row.state,
    memo: row.memo,
    expiry: iso(row.expiry),
    webhook: null,
    webhook_status: null,
    preimage: row.preimage,
    tag: null,
    extension: null,
    time: iso(row.time),
    created_at: iso(row.time),
    updated_at: iso(row.updated),
    labels: row.labels,
    extra: row.extra,
    external_id: null,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000+00:00");
}
