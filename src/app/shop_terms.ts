import { satToMsat } from "../money/msat.ts";
import type { RateSource } from "../money/rates.ts";
import type { Terms } from "../orders/place.ts";
import type { QuoteLimits } from "../orders/pricing.ts";
import type { Memory } from "../orders/said_before_store.ts";
import type { Settings } from "../settings.ts";
import type { MedusaBridge } from "./medusa.ts";
import type { MerchantRegistry } from "./merchant_registry.ts";

/** The terms that a merchant's orders are taken on, as of now. */
export function shopTerms(
  settings: Settings,
  rates: RateSource,
  merchants: MerchantRegistry,
  memory: Memory,
  medusa: Pick<MedusaBridge, "merchant" | "mirrorOf"> | null,
): (merchant: string) => Terms {
  const autoRefund = {
    limitMsat: satToMsat(BigInt(settings.NCC_REFUND_LIMIT)),
    budgetMsat: satToMsat(BigInt(settings.NCC_REFUND_BUDGET)),
  };
  return (merchant) => ({
    memory,
    closed: merchants.get(merchant)?.closed ?? null,
    stockPolicy: settings.NCC_STOCK_POLICY,
    invoiceExpiryMs: settings.NCC_INVOICE_EXPIRY,
    maxOpenOrders: settings.NCC_MAX_OPEN_ORDERS,
    mirrorOf: (stallId) => medusa?.merchant() === merchant ? medusa.mirrorOf(stallId) : null,
    maxHeldShare: settings.NCC_MAX_HELD_SHARE,
    limits: orderLimits(settings),
    // Without a wallet to pay with every refund is a person's.
    autoRefund: merchants.get(merchant)?.spend ? autoRefund : null,
    rate: (currency) => rates.rate(currency),
    rateMayCome: (currency) => rates.mayCome(currency),
  });
}

function orderLimits({ NCC_MIN_ORDER: least, NCC_MAX_ORDER: most }: Settings): Partial<QuoteLimits> {
  return {
    ...(least !== undefined && { minTotalMsat: satToMsat(BigInt(least)) }),
    ...(most !== undefined && { maxTotalMsat: satToMsat(BigInt(most)) }),
  };
}
