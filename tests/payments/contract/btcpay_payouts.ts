import { decodeBolt11, encodeBolt11 } from "../../../src/payments/bolt11.ts";

const THEIR_NODE = new Uint8Array(32).fill(9);

interface Payout {
  id: string;
  pullPaymentId: string;
  destination: string;
  state: "AwaitingPayment" | "InProgress" | "Completed" | "Cancelled";
  paymentProof: Record<string, unknown> | null;
}

/** Pull payments of BTCPay's store, and a processor that pays what is claimed at once. */
export class BtcpayPayoutDesk {
  readonly pullPayments: Record<string, unknown>[] = [];
  readonly payouts: Payout[] = [];
  /** Claims that it was asked to make. */
  claims = 0;
  /** It pays only when it is told so. */
  slow = false;
  /** By payment hash; null: nobody can pay it. */
  readonly #preimages = new Map<string, string | null>();

  /** An invoice of somebody else's. */
  async theirInvoice(amountMsat: bigint, payable: boolean): Promise<string> {
    const preimage = crypto.getRandomValues(new Uint8Array(32));
    const paymentHash = new Uint8Array(await crypto.subtle.digest("SHA-256", preimage)).toHex();
    this.#preimages.set(paymentHash, payable ? preimage.toHex() : null);
    return encodeBolt11({
      network: "bcrt",
      amountMsat,
      timestamp: Math.floor(Date.now() / 1000),
      paymentHash,
      paymentSecret: "cd".repeat(32),
      description: "their refund",
      expirySeconds: 3_600,
    }, THEIR_NODE);
  }

  /** What the payout processor does when its time comes. */
  process(): void {
    for (const one of this.payouts.filter(({ state }) => state === "AwaitingPayment")) {
      const read = decodeBolt11(one.destination);
      const paymentHash = read.ok ? read.invoice.paymentHash : "";
      const preimage = this.#preimages.get(paymentHash) ?? null;
      one.state = preimage === null ? "Cancelled" : "Completed";
      if (preimage !== null) {
        one.paymentProof = {
          proofType: "PayoutLightningBlob",
          paymentHash,
          preimage,
          id: paymentHash,
          link: null,
        };
      }
    }
  }

  /** The answer to a question about them; null for another question. */
  async answer(request: Request, store: string): Promise<Response | null> {
    const { pathname } = new URL(request.url);
    const list = `/api/v1/stores/${store}/pull-payments`;
    if (pathname === list && request.method === "GET") return Response.json(this.pullPayments.toReversed());
    if (pathname === list) {
      const body = await request.json();
      const one = { ...body, id: crypto.randomUUID().replaceAll("-", ""), archived: false };
      this.pullPayments.push(one);
      return Response.json(one);
    }
    const [, id] = /^\/api\/v1\/pull-payments\/([^/]+)\/payouts$/.exec(pathname) ?? [];
    if (id === undefined) return null;
    const claimed = this.payouts.filter(({ pullPaymentId }) => pullPaymentId === id);
    if (request.method === "GET") return Response.json(claimed);
    const { destination } = await request.json();
    this.claims++;
    if (claimed.length > 0) {
      return Response.json({ code: "duplicate-destination", message: "This address is already used" }, {
        status: 400,
      });
    }
    const one: Payout = {
      id: crypto.randomUUID(),
      pullPaymentId: id,
      destination,
      state: "AwaitingPayment",
      paymentProof: null,
    };
    this.payouts.push(one);
    const answer = Response.json(one);
    if (!this.slow) this.process();
    return answer;
  }
}
