import type { Clock } from "../clock.ts";
import { errorText } from "../log.ts";
import { Deadline } from "../nostr/deadline.ts";
import { type Network, type Wallet, WalletError, type WalletInfo } from "../payments/wallet.ts";
import { wasTried } from "../payments/wallet_url.ts";

/** What a wallet said when it was asked how it is. */
export type Probed =
  | { ok: true; text: string; network: Network | null; warnings: string[] }
  | { ok: false; text: string; remedy: string };

/** Asks a wallet whether it answers and may make invoices. It never throws. */
export async function probeWallet(
  wallet: Wallet,
  clock: Clock,
  patienceMs: number,
  signal?: AbortSignal,
): Promise<Probed> {
  const name = wallet.describe();
  using deadline = new Deadline(clock, patienceMs, signal);
  try {
    const info = await wallet.probe(deadline.signal);
    const { alias, network } = info;
    const details = [alias, network === null || network === "bc" ? null : network].filter((one) => one);
    const text = `${name} answers${details.length > 0 ? ` (${details.join(", ")})` : ""}`;
    return { ok: true, text, network, warnings: warningsOf(info, wallet.kind) };
  } catch (error) {
    return { ok: false, text: `${name}: ${errorText(error)}`, remedy: remedyFor(error) };
  }
}

const UNTRIED =
  "This kind of wallet was written from its documentation and never tried against a real one: " +
  "pay yourself a small order before customers do.";
const SPENDS =
  "Its secret can spend. Receiving needs less: make a connection that may only make and look up " +
  "invoices, and keep this one for NCC_WALLET_SPEND at most.";

/** What people should hear of a wallet that receives, though it answers. */
export function warningsOf({ warning, canSpend }: WalletInfo, kind: string): string[] {
  return [
    ...(wasTried(kind) ? [] : [UNTRIED]),
    ...(canSpend === true ? [SPENDS] : []),
    ...(warning === undefined ? [] : [warning]),
  ];
}

/** What to do about a wallet that doesn't do what it is asked. */
export function remedyFor(error: unknown): string {
  switch (error instanceof WalletError ? error.kind : null) {
    case "unauthorized":
    case "refused":
      return "The connection isn't valid (any more) or not for this. Make a new one in the wallet and set NCC_WALLET.";
    case "not_implemented":
      return "Make a connection in the wallet that may make and look up invoices (make_invoice, lookup_invoice), and set NCC_WALLET.";
    case "unreachable":
    case "no_answer":
      return "Is the wallet running, and the relay of its connection up? Orders wait until it answers.";
    case "busy":
      return "It is overloaded, or limits this connection. Orders wait until it answers.";
    default:
      return "Check the wallet itself; if it is well, make a new connection and set NCC_WALLET.";
  }
}
