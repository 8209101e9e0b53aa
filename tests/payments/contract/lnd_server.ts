import { decodeBolt11, encodeBolt11 } from "../../../src/payments/bolt11.ts";

/** An invoice in its books. */
interface Held {
  hash: string;
  preimage: string | null;
  bolt11: string;
  memo: string;
  msat: string;
  expiry: string;
  created: number;
  state: "OPEN" | "SETTLED" | "CANCELED" | "ACCEPTED";
  paid: string;
  settledAt: number;
  addIndex: number;
  settleIndex: number;
  private: boolean;
  /** Ends the payer's waiting. */
  over: PromiseWithResolvers<void>;
}

interface Payment {
  status: "SUCCEEDED" | "FAILED" | "IN_FLIGHT";
  preimage: string;
}

export interface LndServerOptions {
  /** The only macaroon that is valid, in hex. */
  macaroon: string;
  /** It may not ask for the node's own affairs, as `invoice.macaroon`. */
  receivesOnly?: boolean;
  /** PEM: serves HTTPS. */
  tls?: { cert: string; key: string };
  /** Serve there instead of at a free port. */
  port?: number;
}

type Stream = { send(line: unknown): void; settleIndex: number; end(): void };

/**
 * An LND without a network, as its REST interface was seen to answer (LND 0.21.2): 64-bit integers as strings, bytes as base64,
 * refusals of its own as HTTP 500 with code 2, streams line by line. It cuts every line of a stream into two pieces.
 */
export class LndServer implements AsyncDisposable {
  readonly invoices = new Map<string, Held>();
  readonly payments = new Map<string, Payment>();
  /** Every question: method, path and query. */
  readonly asked: string[] = [];
  /** Settle indices that streams were opened with. */
  readonly resumed: string[] = [];
  /** The next answer to a new invoice never comes. */
  losing = false;
  /** Payments stay under way. */
  stuck = false;
  /** The next stream of a payment ends without a last word. */
  mute = false;
  readonly #o: LndServerOptions;
  readonly #nodeKey = crypto.getRandomValues(new Uint8Array(32));
  readonly #payable = new Map<string, string>();
  readonly #streams = new Set<Stream>();
  readonly #lost = new AbortController();
  #server: Deno.HttpServer<Deno.NetAddr>;
  #settled = 0;

  constructor(options: LndServerOptions) {
    this.#o = options;
    this.#server = this.#serve(options.port ?? 0);
  }

  get port(): number {
    return this.#server.addr.port;
  }

  /** Somebody pays; an invoice of the hold kind is over when it is settled or cancelled. */
  async pay(bolt11: string): Promise<void> {
    const it = [...this.invoices.values()].find((one) => one.bolt11 === bolt11);
    if (!it || it.state !== "OPEN") throw new Error("incorrect_or_unknown_payment_details");
    it.paid = it.msat;
    it.state = "ACCEPTED";
    if (it.preimage !== null) this.#settle(it);
    await it.over.promise;
  }

  /** An invoice of another node that this one can pay, or not. */
  async theirInvoice(msat: bigint, payable: boolean): Promise<string> {
    const preimage = crypto.getRandomValues(new Uint8Array(32));
    const hash = await sha256(preimage);
    if (payable) this.#payable.set(hash, preimage.toHex());
    return this.#encode(hash, msat, "theirs", 3_600);
  }

  /** What happens meanwhile is told to no stream. */
  async silently<T>(work: () => Promise<T>): Promise<T> {
    const streams = [...this.#streams];
    this.#streams.clear();
    try {
      return await work();
    } finally {
      for (const stream of streams) this.#streams.add(stream);
    }
  }

  /** Ends every stream, as a restart of the node or a proxy does. */
  endStreams(): void {
    for (const stream of this.#streams) stream.end();
  }

  get streams(): number {
    return this.#streams.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lost.abort();
    this.endStreams();
    await this.#server.shutdown();
  }

  #serve(port: number): Deno.HttpServer<Deno.NetAddr> {
    const options = { port, hostname: "127.0.0.1", onListen() {} };
    const answer = (request: Request) => this.#answer(request);
    return this.#o.tls ? Deno.serve({ ...options, ...this.#o.tls }, answer) : Deno.serve(options, answer);
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    this.asked.push(`${request.method} ${url.pathname}${url.search}`);
    if (request.headers.get("grpc-metadata-macaroon") !== this.#o.macaroon) {
      return refuse(500, 2, "verification failed: signature mismatch after caveat verification");
    }
    const body = request.method === "POST" ? await request.json() : {};
    const invoice = /^\/v1\/invoice\/([0-9a-f]{64})$/.exec(url.pathname)?.[1];
    if (invoice !== undefined) return this.#lookup(invoice);
    const track = /^\/v2\/router\/track\/([\w=-]+)$/.exec(url.pathname)?.[1];
    if (track !== undefined) return this.#track(bytes(track));
    switch (`${request.method} ${url.pathname}`) {
      case "GET /v1/getinfo":
        if (this.#o.receivesOnly) return refuse(500, 2, "permission denied");
        return Response.json({ alias: "fake", chains: [{ chain: "bitcoin", network: "regtest" }] });
      case "POST /v1/invoices":
        return await this.#add(body, body.r_preimage === undefined ? undefined : bytes(body.r_preimage));
      case "POST /v2/invoices/hodl":
        return await this.#add(body, null);
      case "GET /v1/invoices":
        return this.#list(url.searchParams);
      case "GET /v1/invoices/subscribe":
        return this.#subscribe(url.searchParams.get("settle_index") ?? "0");
      case "POST /v2/invoices/cancel":
        return this.#cancel(bytes(body.payment_hash));
      case "POST /v2/invoices/settle":
        return await this.#settleHeld(bytes(body.preimage));
      case "POST /v2/router/send":
        return this.#send(body);
    }
    return refuse(404, 5, "Not Found");
  }

  async #add(body: Record<string, string>, preimage: string | null | undefined): Promise<Response> {
    const secret = preimage === undefined ? crypto.getRandomValues(new Uint8Array(32)).toHex() : preimage;
    const hash = secret === null ? bytes(body.hash!) : await sha256(Uint8Array.fromHex(secret));
    if (this.invoices.has(hash)) return refuse(500, 2, "invoice with payment hash already exists");
    // int64: a number would be taken too, yet every one of ours is a string.
    const { value_msat: msat, expiry, memo } = body;
    if (typeof msat !== "string" || typeof expiry !== "string") return refuse(400, 3, "no string");
    const addIndex = this.invoices.size + 1;
    const it: Held = {
      hash,
      preimage: secret,
      bolt11: this.#encode(hash, BigInt(msat), memo!, Number(expiry), body.description_hash),
      memo: memo!,
      msat,
      expiry,
      created: Math.floor(Date.now() / 1000),
      state: "OPEN",
      paid: "0",
      settledAt: 0,
      addIndex,
      settleIndex: 0,
      private: Boolean(body.private),
      over: Promise.withResolvers(),
    };
    it.over.promise.catch(() => undefined);
    this.invoices.set(hash, it);
    for (const stream of this.#streams) stream.send({ result: told(it) });
    if (this.losing) {
      this.losing = false;
      await new Promise((resolve) => this.#lost.signal.addEventListener("abort", resolve));
    }
    return Response.json({ r_hash: base64(hash), payment_request: it.bolt11, add_index: String(addIndex) });
  }

  #lookup(hash: string): Response {
    const it = this.invoices.get(hash);
    if (it) return Response.json(told(it));
    return refuse(404, 5, this.invoices.size ? "unable to locate invoice" : "there are no existing invoices");
  }

  #list(query: URLSearchParams): Response {
    const [offset, most] = [Number(query.get("index_offset")), Number(query.get("num_max_invoices"))];
    const all = [...this.invoices.values()].filter((one) => one.addIndex > offset);
    const page = query.get("reversed") ? all.slice(-most) : all.slice(0, most);
    return Response.json({
      invoices: page.map(told),
      last_index_offset: String(page.at(-1)?.addIndex ?? 0),
      first_index_offset: String(page[0]?.addIndex ?? 0),
    });
  }

  #subscribe(settleIndex: string): Response {
    this.resumed.push(settleIndex);
    const missed = [...this.invoices.values()]
      .filter((one) => settleIndex !== "0" && one.settleIndex > Number(settleIndex))
      .sort((one, other) => one.settleIndex - other.settleIndex);
    return new Response(this.#pieces((stream) => {
      for (const one of missed) stream.send({ result: told(one) });
    }));
  }

  #cancel(hash: string): Response {
    const it = this.invoices.get(hash);
    if (!it) return refuse(500, 2, "unable to locate invoice");
    if (it.state === "SETTLED") return refuse(500, 2, "invoice already settled");
    it.state = "CANCELED";
    it.over.reject(new Error("incorrect_or_unknown_payment_details"));
    return Response.json({});
  }

  async #settleHeld(preimage: string): Promise<Response> {
    const it = this.invoices.get(await sha256(Uint8Array.fromHex(preimage)));
    if (!it) return refuse(500, 2, "unable to locate invoice");
    if (it.state === "OPEN") return refuse(500, 2, "invoice still open");
    if (it.state === "CANCELED") return refuse(500, 2, "invoice already canceled");
    if (it.state === "ACCEPTED") this.#settle(it);
    return Response.json({});
  }

  #settle(it: Held): void {
    it.state = "SETTLED";
    it.settledAt = Math.floor(Date.now() / 1000);
    it.settleIndex = ++this.#settled;
    it.over.resolve();
    for (const stream of this.#streams) stream.send({ result: told(it) });
  }

  #send(body: { payment_request: string; fee_limit_msat: string }): Response {
    const decoded = decodeBolt11(body.payment_request);
    if (!decoded.ok) return refuse(500, 2, decoded.reason);
    const { paymentHash: hash } = decoded.invoice;
    const before = this.payments.get(hash);
    if (before?.status === "SUCCEEDED") return lineOf(409, 6, "invoice is already paid");
    if (before?.status === "IN_FLIGHT") return lineOf(409, 6, "payment is in transition");
    const preimage = this.#payable.get(hash);
    const status = this.stuck ? "IN_FLIGHT" : preimage === undefined ? "FAILED" : "SUCCEEDED";
    const made: Payment = { status, preimage: status === "SUCCEEDED" ? preimage! : "0".repeat(64) };
    this.payments.set(hash, made);
    const silent = this.mute;
    this.mute = false;
    return new Response(this.#pieces((stream) => {
      if (!silent && status !== "IN_FLIGHT") stream.send({ result: payment(hash, made) });
      if (status !== "IN_FLIGHT") stream.end();
    }));
  }

  #track(hash: string): Response {
    const made = this.payments.get(hash);
    if (!made) return lineOf(404, 5, "payment isn't initiated");
    return new Response(this.#pieces((stream) => stream.send({ result: payment(hash, made) })));
  }

  /** A stream that cuts each of its lines in the middle. */
  #pieces(begin: (stream: Stream) => void): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    let stream: Stream;
    return new ReadableStream({
      start: (controller) => {
        stream = {
          settleIndex: 0,
          send(line) {
            const text = `${JSON.stringify(line)}\n`;
            const cut = Math.floor(text.length / 2);
            for (const piece of [text.slice(0, cut), text.slice(cut)]) {
              controller.enqueue(encoder.encode(piece));
            }
          },
          end: () => {
            if (this.#streams.delete(stream)) controller.close();
          },
        };
        this.#streams.add(stream);
        begin(stream);
      },
      cancel: () => void this.#streams.delete(stream),
    });
  }

  #encode(
    paymentHash: string,
    amountMsat: bigint,
    description: string,
    expirySeconds: number,
    hashed?: string,
  ): string {
    const timestamp = Math.floor(Date.now() / 1000);
    const paymentSecret = crypto.getRandomValues(new Uint8Array(32)).toHex();
    const purpose = hashed === undefined ? { description } : { descriptionHash: bytes(hashed) };
    const invoice = { timestamp, paymentHash, paymentSecret, amountMsat, ...purpose, expirySeconds };
    return encodeBolt11({ ...invoice, network: "bcrt" }, this.#nodeKey);
  }
}

function told(it: Held) {
  return {
    memo: it.memo,
    r_preimage: it.preimage === null ? "" : base64(it.preimage),
    r_hash: base64(it.hash),
    value_msat: it.msat,
    settled: it.state === "SETTLED",
    creation_date: String(it.created),
    settle_date: String(it.settledAt),
    payment_request: it.bolt11,
    expiry: it.expiry,
    private: it.private,
    add_index: String(it.addIndex),
    settle_index: String(it.settleIndex),
    amt_paid_msat: it.paid,
    state: it.state,
    htlcs: it.paid === "0" ? [] : [{
      state: it.state,
      accept_height: 110,
      accept_time: String(it.created),
      expiry_height: 193,
    }],
  };
}

function payment(hash: string, { status, preimage }: Payment) {
  const failure_reason = status === "FAILED" ? "FAILURE_REASON_NO_ROUTE" : "FAILURE_REASON_NONE";
  return { payment_hash: hash, status, payment_preimage: preimage, fee_msat: "7", failure_reason };
}

function refuse(status: number, code: number, message: string): Response {
  return Response.json({ code, message, details: [] }, { status });
}

/** Streams wrap what they refuse with. */
function lineOf(status: number, code: number, message: string): Response {
  return Response.json({ error: { code, message, details: [] } }, { status });
}

async function sha256(preimage: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", preimage)).toHex();
}

/** Base64 in bodies, base64url in paths: to hex. */
function bytes(text: string): string {
  return Uint8Array.fromBase64(text.replaceAll("-", "+").replaceAll("_", "/")).toHex();
}

function base64(hex: string): string {
  return Uint8Array.fromHex(hex).toBase64();
}
