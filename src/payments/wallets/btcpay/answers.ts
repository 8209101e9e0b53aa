import { z } from "zod";
import { formatDecimal, parseDecimal } from "../../../money/decimal.ts";
import type { Msat } from "../../../money/msat.ts";
import { WalletError } from "../../wallet.ts";

/** Lightning knows thousandths of a satoshi: 11 places of a bitcoin. */
const PLACES = 11;
/** Books count in whole numbers up to this. */
const MOST_MSAT = BigInt(Number.MAX_SAFE_INTEGER);

/** Greenfield writes decimals as strings; a number is read by its text. */
const btc = z.union([z.string(), z.number()]).transform((value, context) => {
  const msat = msatOfBtc(String(value));
  if (msat !== null) return msat;
  context.addIssue({ code: "custom", message: "isn't an amount of bitcoin" });
  return z.NEVER;
});

const payment = z.object({
  status: z.string(),
  value: btc,
  /** What the customer was charged on top for this payment. */
  fee: btc.nullish(),
  /** Seconds since 1970. */
  receivedDate: z.number().nullish(),
});

const paymentMethod = z.object({
  paymentMethodId: z.string(),
  activated: z.boolean().nullish(),
  currency: z.string().nullish(),
  destination: z.string().nullish(),
  due: z.union([z.string(), z.number()]).nullish(),
  payments: z.array(z.unknown()).nullish(),
});

/** How an invoice can be paid, and what came that way. */
export type PaymentMethod = z.infer<typeof paymentMethod>;
export const paymentMethods = z.array(paymentMethod).max(100);

/** Greenfield: InvoiceData, as far as it is needed. */
export const invoiceData = z.object({
  id: z.string().regex(/^[A-Za-z0-9]{1,100}$/),
  status: z.enum(["New", "Processing", "Settled", "Expired", "Invalid"]),
  additionalStatus: z.string().nullish(),
  amount: z.union([z.string(), z.number()]).nullish(),
  checkoutLink: z.string().nullish(),
  /** Seconds since 1970. */
  createdTime: z.number().nullish(),
  metadata: z.looseObject({ itemDesc: z.unknown() }).nullish(),
  /** Only where it was asked for, and the server is new enough. */
  paymentMethods: paymentMethods.nullish(),
});
export type InvoiceData = z.infer<typeof invoiceData>;
export const invoiceList = z.array(invoiceData).max(1_000);

export const apiKey = z.object({ permissions: z.array(z.string()).max(1_000) });

/** What came by these ways and is confirmed as the store wants it, net of what the customer was charged on top. */
export interface Received {
  msat: Msat;
  /** ms since 1970 of the last of it; null when there is none or it doesn't say. */
  at: number | null;
  /** There is more that isn't confirmed yet. */
  pending: boolean;
}

/** Sums up payments in bitcoin. Those of other currencies are for other prices. Throws `bad_answer`. */
export function receivedBy(methods: readonly PaymentMethod[]): Received {
  const received: Received = { msat: 0n, at: null, pending: false };
  for (const { currency, payments } of methods) {
    if (currency !== "BTC") continue;
    for (const one of payments ?? []) {
      const { status, value, fee, receivedDate } = read(payment, one, "a payment");
      if (status === "Processing") received.pending = true;
      if (status !== "Settled") continue;
      const net = value - (fee ?? 0n);
      if (net > 0n) received.msat += net;
      if (receivedDate) received.at = Math.max(received.at ?? 0, receivedDate * 1000);
    }
  }
  if (received.msat > MOST_MSAT) {
    throw new WalletError("bad_answer", "BTCPay says that more came than can be counted");
  }
  return received;
}

/** The first way to pay of these that is ready to be used. BTCPay 1 named them otherwise. */
export function readyMethod(
  methods: readonly PaymentMethod[],
  ids: readonly string[],
): (PaymentMethod & { destination: string }) | undefined {
  return methods.filter((one): one is PaymentMethod & { destination: string } =>
    ids.includes(one.paymentMethodId) && one.activated !== false && !!one.destination
  )[0];
}

/** The body as it has to be; whatever else it is, is the wallet's bad answer. */
export function read<T extends z.ZodType>(schema: T, body: unknown, what: string): z.infer<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new WalletError(
    "bad_answer",
    `BTCPay's answer isn't ${what}: ${issue?.path.join(".") || "it"} ${issue?.message ?? ""}`,
  );
}

/** `0.00021` as msat; null for what is none, is negative or finer than a msat. */
export function msatOfBtc(text: string): Msat | null {
  const decimal = parseDecimal(text);
  if (!decimal || decimal.units < 0n) return null;
  const { units, scale } = decimal;
  if (scale <= PLACES) return units * 10n ** BigInt(PLACES - scale);
  const step = 10n ** BigInt(scale - PLACES);
  return units % step === 0n ? units / step : null;
}

export function btcOfMsat(msat: Msat): string {
  return formatDecimal({ units: msat, scale: PLACES });
}
