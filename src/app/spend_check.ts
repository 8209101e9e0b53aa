import type { WaitingRefunds } from "../payments/refunds_store.ts";
import type { Check } from "./health.ts";
import type { ServedMerchant } from "./served_merchant.ts";

/**
 * How the wallet is that pays a merchant's refunds (NCC_WALLET_SPEND). It is out of order only while refunds wait for it: when
 * it is away, has refused to pay (its budget, its balance), is of another network than the money, or isn't set. Null: there is
 * none, and nothing waits.
 */
export function checkSpend(
  { spend, wallet }: Pick<ServedMerchant, "spend" | "wallet">,
  waiting: WaitingRefunds | undefined,
): Check | null {
  const trouble = troubleOf(spend, wallet);
  if (waiting === undefined) return spend === null ? null : { ok: true, detail: trouble ?? spend.describe() };
  const wait = waiting.approved === 0
    ? "a refund is due again"
    : waiting.approved === 1
    ? "a refund waits"
    : `${waiting.approved} refunds wait`;
  const why = (waiting.approved > 0 ? trouble : null) ??
    (waiting.refusal === null ? null : `it refused: ${waiting.refusal}`);
  return why === null
    ? { ok: true, detail: `${spend!.describe()}; ${wait}` }
    : { ok: false, detail: `${why}; ${wait}` };
}

function troubleOf(spend: ServedMerchant["spend"], wallet: ServedMerchant["wallet"]): string | null {
  if (spend === null) return "none is set: NCC_WALLET_SPEND";
  if (spend.up === false) return `${spend.describe()}: ${spend.error ?? "no answer"}`;
  const [ours, theirs] = [wallet?.network ?? null, spend.network];
  if (ours === null || theirs === null || ours === theirs) return null;
  return `${spend.describe()} pays on the network ${theirs}, and the shop's money comes on ${ours}`;
}
