import { z } from "zod";

/** How values of settings are read: each turns a text into its value, or says in a sentence what is wrong with it. */

const DURATION = /^(\d+)(s|m|h|d)$/;
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A whole number and a unit, in ms. */
export const duration = z.string().regex(
  DURATION,
  "is not a duration. Use a whole number and a unit: 900s, 15m, 1h, 2d.",
)
  .transform((text) => {
    const [, count, unit] = DURATION.exec(text)!;
    return Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  });

/** A whole number within limits. */
export function whole(least: number, most: number) {
  return z.string().regex(/^\d+$/, "is not a whole number.").transform(Number)
    .refine((n) => n >= least && n <= most, `must lie between ${least} and ${most}.`);
}

const RATE = /^(\d+)\/(s|m|h)$/;
/** A count per second, minute or hour. */
export const perTime = z.string().regex(RATE, "is not a rate. Use a count and a unit: 30/m, 5/s, 100/h.")
  .transform(
    (text) => {
      const [, count, unit] = RATE.exec(text)!;
      return { count: Number(count), perMs: UNIT_MS[unit as keyof typeof UNIT_MS] };
    },
  ).refine((rate) => rate.count > 0, "must allow at least one.");

/** A list with commas; `check` says what is wrong with an item. */
export function list(check: (item: string) => string | null) {
  return z.string().transform((text, context) => {
    const items = text.split(",").map((item) => item.trim()).filter((item) => item !== "");
    for (const item of items) {
      const problem = check(item);
      if (problem) {
        context.addIssue({ code: "custom", message: `contains ${JSON.stringify(item)}, which ${problem}` });
      }
    }
    return [...new Set(items)];
  });
}

export const relays = list((item) =>
  URL.canParse(item) && /^wss?:\/\//.test(item) ? null : "is not a relay URL (wss://… or ws://…)."
);
export const owners = list((item) =>
  /^(npub1[02-9ac-hj-np-z]{58}|[0-9a-f]{64})$/.test(item) ? null : "is not an npub or a 64 character hex key."
);

const OPTIONS = ["ln", "url", "lnurl"] as const;
/** Ways to pay, `ln` first. */
export const paymentOptions = list((item) =>
  (OPTIONS as readonly string[]).includes(item) ? null : `is not one of ${OPTIONS.join(", ")}.`
).transform((items) => OPTIONS.filter((one) => one === "ln" || items.includes(one)));

export const httpUrl = z.string().refine(
  (text) => URL.canParse(text) && /^https?:\/\//.test(text),
  "is not an http(s) URL.",
)
  .transform((text) => text.replace(/\/+$/, ""));
