import type { Clock } from "../clock.ts";
import { Deadline } from "../nostr/deadline.ts";
import { type CheckedInvoice, checkInvoice } from "./invoice_check.ts";
import type { Issued } from "./invoices_store.ts";
import type { KnownNetworks } from "./known_networks.ts";
import { descriptionHash } from "./lnurl.ts";
import { offerable } from "./payment_links.ts";
import type { CreatedInvoice, InvoiceRequest, Network, Wallet, WalletError } from "./wallet.ts";
import { walletError } from "./wallet.ts";

/** How long a wallet has for one invoice (design §5). */
export const ANSWER_MS = 8_000;

/** What became of one question for an invoice. */
export type Attempt = { ok: true; issued: Issued } | { ok: false; error: WalletError | null; reason: string };

/** Asks a wallet for one invoice and checks what it answers; a bad one counts as a failure that another try doesn't heal. */
export async function attempt(
  o: {
    wallet: Wallet;
    request: InvoiceRequest;
    /** For a hold invoice, where the wallet has them: its hash, whose preimage is ours. Null: an ordinary invoice. */
    holdHash?: string | null;
    clock: Clock;
    networks: KnownNetworks;
    signal: AbortSignal;
  },
): Promise<Attempt> {
  const { wallet, request, clock, holdHash = null } = o;
  using deadline = new Deadline(clock, ANSWER_MS, o.signal);
  try {
    const network = o.networks.of(wallet, deadline.signal);
    const make = async (asked: InvoiceRequest): Promise<CreatedInvoice> => {
      // Some tell only with their first answer what they can.
      if (holdHash !== null) await network;
      const { hold } = wallet;
      if (!hold || holdHash === null) return await wallet.createInvoice(asked, deadline.signal);
      const paymentHash = holdHash;
      return { ...await hold.create({ ...asked, paymentHash }, deadline.signal), paymentHash };
    };
    const making = make(request).catch((fault) => {
      const { hashedText, ...plain } = request;
      // Some can do it with one node behind them and not with another.
      if (hashedText === undefined || !saysNo(fault)) throw fault;
      return make(plain);
    });
    // Together: the first order after a start waits for one answer instead of two.
    const [made, of] = await Promise.allSettled([making, network]);
    const created = valueOf(made);
    const checked = check(created, request, wallet, valueOf(of), clock.now());
    if (!checked.ok) {
      return { ok: false, error: null, reason: `the wallet gave a wrong invoice: ${checked.reason}` };
    }
    return { ok: true, issued: issued(created, checked, holdHash) };
  } catch (fault) {
    if (o.signal.aborted) throw o.signal.reason;
    const error = walletError(fault);
    return { ok: false, error, reason: error.message };
  }
}

function valueOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === "rejected") throw settled.reason;
  return settled.value;
}

/** It made nothing, and never will. */
function saysNo(fault: unknown): boolean {
  const { kind } = walletError(fault);
  return kind === "refused" || kind === "not_implemented";
}

/** What is stored of a checked invoice, which is a hold invoice when its hash is ours. Lower case, as wallets compare it. */
export function issued(
  { bolt11, ref, links }: Pick<CreatedInvoice, "bolt11" | "ref" | "links">,
  checked: CheckedInvoice & { ok: true },
  holdHash: string | null = null,
): Issued {
  const { paymentHash, timestamp, expirySeconds } = checked.decoded;
  return {
    bolt11: bolt11.toLowerCase(),
    paymentHash,
    expiresAt: (timestamp + expirySeconds) * 1000,
    nextLookUpAt: null,
    ref: ref ?? null,
    links: offerable(links ?? []),
    hold: paymentHash === holdHash,
  };
}

function check(
  created: CreatedInvoice,
  request: InvoiceRequest,
  wallet: Wallet,
  network: Network,
  now: number,
) {
  const { amountMsat, expirySeconds } = request;
  const asked = {
    amountMsat,
    description: created.description === "theirs" ? null : request.description,
    descriptionHash: created.descriptionHash,
    orHash: request.hashedText === undefined ? undefined : descriptionHash(request.hashedText),
    expirySeconds,
    paymentHash: created.paymentHash,
    setsExpiry: wallet.caps.expiry,
    now,
  };
  return checkInvoice(created.bolt11, asked, network);
}
