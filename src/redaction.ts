/** What stands where something was taken out. */
export const REDACTED = "[redacted]";

/** Fields that no line may have, whatever they hold: secrets by their name, and customers' data. */
const NEVER =
  /^(secret|secret_?key|private_?key|token|password|pass(phrase|wd)?|preimage|nsec|authorization|cookie|macaroon|rune|mnemonic|seed|bolt11|invoice_text|plaintext|content|contents|body|address|contact|phone|email|parameters|query|input)$/i;

const NAMED =
  "secret|webhook_secret|token|password|passphrase|api_?key|admin_?key|access_?key|macaroon|rune|preimage|authorization";

/** Secrets that are known by their look. What is kept of each says what it was. */
const LOOKS: [RegExp, string][] = [
  [/\bnsec1[02-9ac-hj-np-z]{6,}/gi, "nsec1…"],
  [/\bncryptsec1[02-9ac-hj-np-z]{6,}/gi, "ncryptsec1…"],
  [/\bncc_[A-Za-z0-9-]+_[A-Za-z0-9_-]{16,}/g, "ncc_…"],
  [/\bln(bc|bcrt|tb|tbs)[0-9]*[munp]?1[02-9ac-hj-np-z]{50,}/gi, "ln$1…"],
  [/\b(lnurl1)[02-9ac-hj-np-z]{20,}/gi, "$1…"],
  [/\b([xyztuv]p(?:ub|rv))[1-9A-HJ-NP-Za-km-z]{50,}/gi, "$1…"],
  [/\bcashu[AB][A-Za-z0-9_=-]{20,}/g, "cashu…"],
  // API keys of Medusa, and tokens of whoever is logged in there.
  [/\b([sp]k_)[0-9a-f]{16,}/g, "$1…"],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, "eyJ…"],
  [/\b(Bearer)\s+[A-Za-z0-9+/=_.~-]{8,}/gi, `$1 ${REDACTED}`],
  [/\b(Basic|Nostr)\s+[A-Za-z0-9+/=_-]{16,}/g, `$1 ${REDACTED}`],
  // A URL's user and password, and whatever its query or some JSON calls a secret.
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"']+@/gi, `$1${REDACTED}@`],
  [new RegExp(`\\b(${NAMED})=(?!\\[redacted)[^\\s&"'#]+`, "gi"), `$1=${REDACTED}`],
  [new RegExp(`(["'](?:${NAMED})["']\\s*:\\s*["'])[^"']+`, "gi"), `$1${REDACTED}`],
  [/(\/hooks\/wallet\/[^/\s]+\/[^/\s]+\/)[^/\s?#]+/g, `$1${REDACTED}`],
  [/(\/(?:pay|lnurl)\/)[\w-]{22}(?![\w-])/g, `$1${REDACTED}`],
];

/** URLs whose every part past the scheme gives power over money or a key. */
const POWERFUL =
  /\b(nostr\+walletconnect|nostrwalletconnect|(?:lnbits|lnd|cln|phoenixd|btcpay)\+https?|lndconnect):[^\s"'<>]{12,}/gi;

// deno-lint-ignore no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;

/** Further than this nobody looks for a cause in a line. */
const DEEPEST = 4;
const LONGEST = 2_000;
const LINK = "open";

/**
 * The fields of a log line without what must not stand in one: fields named like secrets or customers' data, secrets known by
 * their look wherever they stand, control characters, endless texts. The shape stays as it was.
 */
export function redacted<T extends Record<string, unknown>>(fields: T): T {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, hidden(key, value, 0)]),
  ) as T;
}

/** A text without the secrets that are known by their look. */
export function withoutSecrets(text: string): string {
  let clean = text.replace(POWERFUL, `$1:${REDACTED}`);
  for (const [look, instead] of LOOKS) clean = clean.replace(look, instead);
  return clean;
}

/** The same on one line, without control characters. */
function oneLine(text: string): string {
  const clean = withoutSecrets(text.slice(0, LONGEST)).replace(CONTROL, " ");
  return text.length > LONGEST ? `${clean}…` : clean;
}

/**
 * What a caught value says. Errors that quote what they were given are told without it: JSON that doesn't parse is somebody's
 * message, a value that PostgreSQL refuses is a column's content, a URL that isn't one may be a wallet's.
 */
export function saidOfFault(error: unknown): string {
  if (!(error instanceof Error)) return withoutSecrets(String(error));
  const text = error.message || error.name;
  if (error instanceof SyntaxError && /\bJSON\b/.test(text)) return "it isn't valid JSON";
  if (/^Invalid URL\b/i.test(text)) return "it isn't a valid URL";
  if (isPostgres(error)) return withoutSecrets(withoutQuoted(text));
  if (isZod(error)) return "its form isn't right";
  return withoutSecrets(text);
}

/** Class 22 of its codes is about values, and quotes them: `invalid input syntax for type bigint: "…"`. */
function isPostgres(error: Error): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && /^22[0-9A-Z]{3}$/.test(code);
}

function withoutQuoted(text: string): string {
  return text.replace(/"[^]*"/, "…");
}

function isZod(error: Error): boolean {
  return error.name === "ZodError" || error.name === "$ZodError" ||
    Array.isArray((error as { issues?: unknown }).issues);
}

function hidden(key: string, value: unknown, depth: number): unknown {
  if (value === null || value === undefined) return value;
  if (NEVER.test(key)) return REDACTED;
  // A link that its reader has to open (a remote signer's) works only whole.
  if (key === LINK && typeof value === "string") return value.slice(0, LONGEST).replace(CONTROL, " ");
  switch (typeof value) {
    case "string":
      return oneLine(value);
    case "object":
      break;
    default:
      return value;
  }
  if (value instanceof Error) return oneLine(saidOfFault(value));
  if (depth >= DEEPEST) return "…";
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return value.map((one: unknown) => hidden("", one, depth + 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return oneLine(String(value));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, hidden(name, one, depth + 1)]));
}
