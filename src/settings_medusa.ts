import { z } from "zod";
import type { Setting } from "./settings.ts";
import { duration, httpUrl } from "./setting_values.ts";

const LEAST_SWEEP_MS = 60_000;
const MOST_SWEEP_MS = 86_400_000;

/** The settings of a merchant's Medusa, of which nothing is asked without a URL. */
export const medusaSettings = {
  NCC_MEDUSA_URL: {
    schema: httpUrl,
    about:
      "Medusa 2 whose products the first merchant sells here, too. It needs an e-mail and a password, or a key.",
    example: "https://medusa.example.com",
  },
  NCC_MEDUSA_EMAIL: {
    schema: z.email("is not an e-mail address."),
    about: "The user of Medusa that we log in as; best one that nobody else uses.",
    example: "ncc@example.com",
  },
  NCC_MEDUSA_PASSWORD: {
    schema: z.string().min(1, "is empty."),
    about: "That user's password.",
    example: "(better in a file)",
    secret: true,
  },
  NCC_MEDUSA_KEY: {
    schema: z.string().regex(/^sk_\w+$/, "is not a secret API key of Medusa (sk_…)."),
    about:
      "Secret API key of Medusa: used where there is no password, or it isn't taken. Slow: Medusa hashes it each time.",
    example: "sk_…",
    secret: true,
  },
  NCC_MEDUSA_WEBHOOK_SECRET: {
    schema: z.string().min(32, "must have at least 32 characters.").refine(
      (text) =>
        !text.startsWith("whsec_") ||
        /^whsec_(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text),
      "begins with whsec_, but what follows is no base64.",
    ),
    about: "What our plugin in Medusa signs its messages with.",
    example: "(32 characters or more)",
    secret: true,
  },
  NCC_MEDUSA_STOCK: {
    schema: z.enum(["medusa", "local"], "must be medusa or local."),
    default: "medusa",
    about:
      "Who has the last word on stock. medusa: an order is invoiced once Medusa holds its goods. local: at once, " +
      "and Medusa is told after; then both shops can sell the last unit.",
    example: "medusa",
  },
  NCC_MEDUSA_DOWN: {
    schema: z.enum(["wait", "refuse"], "must be wait or refuse."),
    default: "wait",
    about: "What orders do that Medusa has to confirm while it is away.",
    example: "wait",
  },
  NCC_MEDUSA_CHANNEL: {
    schema: z.string().min(1, "is empty."),
    about:
      "Sales channel of Medusa whose products are sold here, its id or name. Empty: the only one that has a publishable key, " +
      "or the store's default.",
    example: "Nostr",
  },
  NCC_MEDUSA_CURRENCY: {
    schema: z.string().regex(/^[A-Za-z]{3}$/, "is not a currency's code of three letters.").transform((
      code,
    ) => code.toUpperCase()),
    about: "Currency of Medusa's prices that are shown here. Empty: the default one of its store.",
    example: "EUR",
  },
  NCC_MEDUSA_SWEEP: {
    schema: duration.refine(
      (ms) => ms >= LEAST_SWEEP_MS && ms <= MOST_SWEEP_MS,
      "must lie between 1m and 1d.",
    ),
    default: "15m",
    about: "How often all of Medusa's catalogue is read; what Medusa tells by itself is read at once.",
    example: "15m",
  },
} satisfies Record<string, Setting<unknown>>;
