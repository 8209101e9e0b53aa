import { z } from "zod";
import { medusaSettings } from "./settings_medusa.ts";
import { duration, httpUrl, list, owners, paymentOptions, perTime, relays, whole } from "./setting_values.ts";

/** One key of the settings: how it is read, what it defaults to, and what people are told about it. */
export interface Setting<T> {
  schema: z.ZodType<T, string>;
  /** As it would be written in the environment; undefined = optional without a default. */
  default?: string;
  about: string;
  example: string;
  /** Shown masked, and readable from the file that `<KEY>_FILE` names. */
  secret?: boolean;
}

/** Every setting. The one place that says what exists: parser, defaults, help and `.env.example` come from here. */
export const settingsTable = {
  NCC_DATA_DIR: {
    schema: z.string().min(1, "is empty."),
    default: "./data",
    about: "Directory for all that is written (0700).",
    example: "./data",
  },
  NCC_DATABASE_URL: {
    schema: z.string().regex(/^(postgres(ql)?:\/\/|sqlite:)/, "must begin with postgres:// or sqlite:"),
    about: "Database. Empty: SQLite in the data directory.",
    example: "postgres://ncc:password@localhost/ncc",
    secret: true,
  },
  NCC_HOST: {
    schema: z.string().min(1, "is empty."),
    default: "127.0.0.1",
    about: "Address to listen on.",
    example: "0.0.0.0",
  },
  NCC_PORT: {
    schema: whole(0, 65535),
    default: "8787",
    about: "Port to listen on (0: any free one).",
    example: "8787",
  },
  NCC_PUBLIC_URL: {
    schema: httpUrl,
    about: "URL under which customers and owners reach this server.",
    example: "https://shop.example.com",
  },
  NCC_TRUSTED_PROXIES: {
    schema: list(() => null),
    default: "",
    about: "Addresses or networks of proxies in front, whose X-Forwarded-For says who the client is.",
    example: "127.0.0.1,10.0.0.0/8",
  },
  NCC_KEY: {
    schema: z.string().min(1, "is empty."),
    about: "The merchant's key: nsec, 64 hex characters, ncryptsec, or bunker://… of a remote signer.",
    example: "nsec1…",
    secret: true,
  },
  NCC_KEY_PASSPHRASE: {
    schema: z.string().min(1, "is empty."),
    about:
      "Passphrase of the key where it is an ncryptsec (NIP-49); a key made at first start is kept under it.",
    example: "(better in a file)",
    secret: true,
  },
  NCC_RELAYS: {
    schema: relays,
    default: "",
    about: "Relays to read and publish, comma separated. Empty: the built-in relay alone.",
    example: "wss://relay.damus.io,wss://nos.lol",
  },
  NCC_DM_RELAYS: {
    schema: relays,
    about: "Relays for direct messages (kind 10050). Empty: the same.",
    example: "wss://nos.lol",
  },
  NCC_OWNERS: {
    schema: owners,
    default: "",
    about: "Keys that may administer (NIP-98) and are told what happens.",
    example: "npub1…",
  },
  NCC_NOTIFY: {
    schema: z.string().transform((text) => [...new Set(text.split(/[\s,]+/).filter((word) => word !== ""))]),
    default: "all",
    about: "What the owners are told by direct message: all, or kinds of news; -kind leaves one out.",
    example: "all,-chat",
  },
  NCC_ADMIN_TOKEN: {
    schema: z.string().min(32, "must have at least 32 characters."),
    about: "Token for the REST API. Empty: made at first start in <data>/admin.token.",
    example: "(32 characters or more)",
    secret: true,
  },
  NCC_WALLET: {
    schema: z.string().regex(/^[a-z0-9+.-]+:/i, "is not a wallet URL."),
    about:
      "Lightning wallet, one URL: nostr+walletconnect://…, lnd+https://…, lnbits+https://…, lnaddress:me@host, " +
      "phoenixd+http://…, cln+https://…, btcpay+https://… (see README), or demo: (no real money).",
    example: "nostr+walletconnect://…",
    secret: true,
  },
  NCC_WALLET_SPEND: {
    schema: z.string().regex(/^[a-z0-9+.-]+:/i, "is not a wallet URL."),
    about: "Wallet that refunds are paid from, one URL. Empty: refunds are paid by hand.",
    example: "nostr+walletconnect://…",
    secret: true,
  },
  NCC_REFUND_LIMIT: {
    schema: whole(0, 100_000_000),
    default: "0",
    about: "Refunds of up to so many sat are paid without an approval. 0: a person approves each.",
    example: "5000",
  },
  NCC_REFUND_BUDGET: {
    schema: whole(0, 100_000_000),
    default: "0",
    about: "Sat that may be refunded without an approval within 24 hours.",
    example: "20000",
  },
  NCC_BTC: {
    schema: z.string().min(1, "is empty."),
    about: "On-chain wallet, where an address is offered beside the invoice: an account's public key " +
      "(xpub or zpub, read for native SegWit) or a descriptor wpkh(…). Best an account that nothing else uses.",
    example: "zpub…",
    secret: true,
  },
  NCC_BTC_SERVERS: {
    schema: list(() => null),
    default: "",
    about: "Servers that watch the chain, comma separated, the preferred first: electrum+ssl://host:50002, " +
      "electrum+tcp://host:50001, esplora+https://host/api. With two or more, 0.01 BTC and above needs two that agree.",
    example: "electrum+ssl://electrum.example.com:50002,esplora+https://mempool.space/api",
  },
  NCC_BTC_CONFIRMATIONS: {
    schema: whole(1, 100),
    default: "1",
    about: "Blocks that make an on-chain payment one. What is unconfirmed never counts.",
    example: "2",
  },
  NCC_BTC_MIN: {
    schema: whole(1000, 100_000_000),
    default: "10000",
    about: "Least amount in sat that an address is offered for: fees make small ones dear.",
    example: "10000",
  },
  NCC_BTC_GAP: {
    schema: whole(1, 10_000),
    default: "20",
    about: "Addresses in a row that may be given out unpaid. Your wallet's gap limit must be as high, " +
      "or it doesn't find what is paid behind them.",
    example: "200",
  },
  NCC_RATES: {
    schema: z.string().regex(
      /^(none|[a-z.]+(\s*,\s*[a-z.]+)*|fixed:[A-Z]{3}=\d+(\.\d+)?(,[A-Z]{3}=\d+(\.\d+)?)*)$/,
      "must be names of sources, or fixed:CODE=PRICE,… with the price of 1 BTC, or none.",
    ),
    default: "coinbase,kraken,bitstamp",
    about:
      "Who says what a bitcoin costs, for prices that aren't in sats: two or more of coinbase, kraken, bitstamp, " +
      "mempool, coingecko, yadio; or fixed:EUR=90000,USD=100000, which doesn't follow the market; or none.",
    example: "coinbase,kraken,bitstamp,mempool",
  },
  NCC_RATE_SPREAD: {
    schema: z.string().regex(
      /^([0-9]|[1-4][0-9])(\.\d{1,4})?$/,
      "must be a number of percent from 0 to below 50.",
    ),
    default: "0",
    about: "Percent that a bitcoin counts for less than it costs, so that prices come to more sats.",
    example: "1.5",
  },
  NCC_INVOICE_EXPIRY: {
    schema: duration,
    default: "15m",
    about: "How long an invoice and its hold on the stock are good.",
    example: "15m",
  },
  NCC_PAYMENT_OPTIONS: {
    schema: paymentOptions,
    default: "ln",
    about:
      "Ways to pay that customers are offered: ln (always); url, a payment page of ours; lnurl, where the " +
      "wallet can commit to a hash. The last two need an NCC_PUBLIC_URL, as in ln,url,lnurl.",
    example: "ln",
  },
  NCC_STOCK_POLICY: {
    schema: z.enum(["hold", "onpay", "holdinvoice"], "must be hold, onpay or holdinvoice."),
    default: "hold",
    about: "When stock is taken: reserved at order, or at payment.",
    example: "hold",
  },
  NCC_MAX_OPEN_ORDERS: {
    schema: whole(1, 1000),
    default: "3",
    about: "Unpaid orders that one customer may have open.",
    example: "3",
  },
  NCC_MAX_HELD_SHARE: {
    schema: z.string().regex(/^(0(\.\d+)?|1(\.0+)?)$/, "must be a number from 0 to 1.").transform(Number),
    default: "0.5",
    about:
      "Part of a product that unpaid orders of customers who never paid may hold together. 1: all of it.",
    example: "0.5",
  },
  NCC_MIN_ORDER: {
    schema: whole(1, 100_000_000),
    about: "Least that an order must come to, in sat.",
    example: "500",
  },
  NCC_MAX_ORDER: {
    schema: whole(1, 100_000_000),
    about: "Most that an order may come to, in sat.",
    example: "5000000",
  },
  ...medusaSettings,
  NCC_DM_RATE: {
    schema: perTime,
    default: "30/m",
    about: "Messages of one sender that are read per time; more wait.",
    example: "30/m",
  },
  NCC_MIN_POW: {
    schema: whole(0, 64),
    default: "0",
    about: "Proof of work (NIP-13 bits) asked of incoming events.",
    example: "0",
  },
  NCC_MAX_EVENT_BYTES: {
    schema: whole(1024, 1_000_000),
    default: "65536",
    about: "Largest event that is read.",
    example: "65536",
  },
  NCC_BACKUPS_KEEP: {
    schema: whole(1, 1000),
    default: "7",
    about: "How many backups that ncc named itself are kept in <data>/backups.",
    example: "7",
  },
  NCC_RETENTION_DAYS: {
    schema: whole(0, 36_500),
    default: "90",
    about: "Days after an order is complete until the customer's data is taken out of it. 0: never.",
    example: "90",
  },
  NCC_LOG: {
    schema: z.enum(["debug", "info", "warn", "error"], "must be debug, info, warn or error."),
    default: "info",
    about: "Least important lines that are logged.",
    example: "info",
  },
} satisfies Record<string, Setting<unknown>>;

type Table = typeof settingsTable;
export type SettingKey = keyof Table;
type Value<K extends SettingKey> = z.output<Table[K]["schema"]>;

/** Settings after reading; what has no default and wasn't given is undefined. */
export type Settings = {
  [K in SettingKey]: Table[K] extends { default: string } ? Value<K> : Value<K> | undefined;
};

/** The settings as an annotated environment file (`.env.example`). */
export function exampleEnvironment(): string {
  const entries = Object.entries<Setting<unknown>>(settingsTable) as [SettingKey, Setting<unknown>][];
  return entries.map(([key, entry]) =>
    `# ${entry.about}${entry.secret ? ` Or ${key}_FILE=/path.` : ""}\n#${key}=${
      entry.default || entry.example
    }\n`
  ).join("\n");
}

/** Whether a URL points at this machine alone. */
export function isLoopback(url: string): boolean {
  const host = new URL(url).hostname;
  return host === "localhost" || host === "[::1]" || /^127\./.test(host);
}
