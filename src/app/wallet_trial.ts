import type { Clock } from "../clock.ts";
import { errorText } from "../log.ts";
import { Deadline } from "../nostr/deadline.ts";
import { checkInvoice } from "../payments/invoice_check.ts";
import type {
  CreatedInvoice,
  InvoiceRef,
  InvoiceStatus,
  Network,
  Wallet,
  WalletInfo,
} from "../payments/wallet.ts";
import type { Random } from "../random.ts";
import { remedyFor, warningsOf } from "./wallet_probe.ts";

/** One step of a trial, for people. */
export interface TrialStep {
  step: "answers" | "makes an invoice" | "looks it up" | "withdraws it";
  ok: boolean;
  detail: string;
  /** What to do about it; null when it is well. */
  remedy: string | null;
}

/** What came of a trial. `lacks`: what this wallet can't do though it is well, and what that means. */
export interface WalletTrial {
  ok: boolean;
  /** Null when it doesn't say. */
  network: Network | null;
  steps: TrialStep[];
  lacks: string[];
  warnings: string[];
}

/** One satoshi: nobody pays it, and if somebody does nothing is lost. */
const AMOUNT_MSAT = 1_000n;
const EXPIRY_SECONDS = 60;
/** A wallet may need a moment to know an invoice that it has just made. */
const LOOKS = 5;
const BETWEEN_LOOKS_MS = 500;

/**
 * Tries a wallet for what a shop needs of it: it answers, makes an invoice of 1 sat that is what was asked for, finds it again,
 * and withdraws it where it can (else it expires). It never throws; `patienceMs` is for each question.
 */
export async function tryWallet(
  wallet: Wallet,
  o: { clock: Clock; random: Random; patienceMs: number; signal?: AbortSignal },
): Promise<WalletTrial> {
  const steps: TrialStep[] = [];
  /** The answer to one question; null when the trial is over. */
  const ask = async <T>(
    step: TrialStep["step"],
    question: (signal: AbortSignal) => Promise<T>,
    judge: (answer: T) => { ok: boolean; detail: string },
  ): Promise<T | null> => {
    using deadline = new Deadline(o.clock, o.patienceMs, o.signal);
    try {
      const answer = await question(deadline.signal);
      const judged = judge(answer);
      steps.push({ step, ...judged, remedy: judged.ok ? null : remedyFor(null) });
      return judged.ok ? answer : null;
    } catch (error) {
      steps.push({ step, ok: false, detail: errorText(error), remedy: remedyFor(error) });
      return null;
    }
  };

  const info = await ask("answers", (signal) => wallet.probe(signal), answers);
  if (info) await tryInvoice(wallet, info, o, ask);
  return {
    ok: steps.every(({ ok }) => ok),
    network: info?.network ?? null,
    steps,
    lacks: lacksOf(wallet),
    warnings: info ? warningsOf(info, wallet.kind) : [],
  };
}

type Ask = <T>(
  step: TrialStep["step"],
  question: (signal: AbortSignal) => Promise<T>,
  judge: (answer: T) => { ok: boolean; detail: string },
) => Promise<T | null>;

async function tryInvoice(
  wallet: Wallet,
  info: WalletInfo,
  { clock, random }: { clock: Clock; random: Random },
  ask: Ask,
): Promise<void> {
  const request = {
    amountMsat: AMOUNT_MSAT,
    description: "A trial of the shop's wallet",
    expirySeconds: EXPIRY_SECONDS,
    externalId: `trial-${random.uuid()}#1`,
  };
  let ref: InvoiceRef | null = null;
  const judgeInvoice = (created: CreatedInvoice) => {
    const checked = checkInvoice(created.bolt11, {
      amountMsat: request.amountMsat,
      description: created.description === "theirs" ? null : request.description,
      descriptionHash: created.descriptionHash,
      expirySeconds: EXPIRY_SECONDS,
      paymentHash: created.paymentHash,
      setsExpiry: wallet.caps.expiry,
      now: clock.now(),
    }, info.network ?? "bc");
    if (!checked.ok) return { ok: false, detail: `it isn't what was asked for: ${checked.reason}` };
    const { bolt11, ref: own = null } = created;
    ref = { bolt11, paymentHash: checked.decoded.paymentHash, createdAt: clock.now(), ref: own };
    return { ok: true, detail: `1 sat, as asked for, good for ${checked.decoded.expirySeconds} s` };
  };
  await ask("makes an invoice", (signal) => wallet.createInvoice(request, signal), judgeInvoice);
  if (ref === null) return;
  const made: InvoiceRef = ref;
  const found = await ask("looks it up", (signal) => lookUp(wallet, made, clock, signal), judgeLookUp);
  if (!found || !wallet.cancel) return;
  await ask("withdraws it", (signal) => wallet.cancel!(made, signal), () => ({ ok: true, detail: "done" }));
}

async function lookUp(
  wallet: Wallet,
  ref: InvoiceRef,
  clock: Clock,
  signal: AbortSignal,
): Promise<InvoiceStatus> {
  for (let n = 1;; n++) {
    const status = await wallet.lookup(ref, signal);
    if (status.status !== "not_found" || n === LOOKS) return status;
    await clock.sleep(BETWEEN_LOOKS_MS, signal);
  }
}

function answers({ alias, network }: WalletInfo): { ok: boolean; detail: string } {
  return { ok: true, detail: [alias, network].filter((text) => text).join(", ") || "yes" };
}

function judgeLookUp({ status }: InvoiceStatus): { ok: boolean; detail: string } {
  return status === "open"
    ? { ok: true, detail: "it is open" }
    : { ok: false, detail: `it says "${status.replace("_", " ")}" of an invoice that was made a moment ago` };
}

/** In plain words, what the shop does without. */
function lacksOf({ caps, cancel }: Wallet): string[] {
  return [
    caps.subscribe === "none" &&
    "It doesn't tell of payments by itself: the shop asks every 5 s in the first minute, then every 15 s.",
    !caps.expiry &&
    "How long its invoices live isn't ours to choose: orders may be paid after they have expired.",
    !cancel &&
    "Its invoices can't be withdrawn: those of cancelled orders can still be paid until they expire.",
    !caps.hold && "It has no hold invoices: NCC_STOCK_POLICY=holdinvoice can't be used with it.",
    caps.unit === "sat" && "It knows whole satoshis only: amounts are rounded up.",
  ].filter((text) => text !== false);
}
