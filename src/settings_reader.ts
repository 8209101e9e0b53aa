import { isLoopback, type Setting, type SettingKey, type Settings, settingsTable } from "./settings.ts";

/** One thing that is wrong with the settings. */
export interface Problem {
  key: string;
  /** The offending value, masked when secret; null when the key itself is the problem. */
  value: string | null;
  reason: string;
  example: string | null;
}

export type SettingsResult = { ok: true; settings: Settings } | { ok: false; problems: Problem[] };

/**
 * Reads the settings from an environment: every problem at once, so that one look mends all. `<KEY>_FILE` names a file
 * with the value; `readFile` reads it (its error becomes a problem). Keys that begin with NCC_ but aren't settings are
 * problems too: a misspelt key must not silently mean its default. `judge` may know what is wrong with a value whose form
 * is right (a key's checksum): the reason, or null.
 */
export function readSettings(
  environment: Record<string, string>,
  readFile: (path: string) => string,
  judge: (key: SettingKey, value: unknown) => string | null = () => null,
): SettingsResult {
  const problems: Problem[] = [];
  const values: Record<string, unknown> = {};
  for (const key of Object.keys(environment)) {
    if (key.startsWith("NCC_") && !isKnown(key)) problems.push(unknownKey(key));
  }
  for (
    const [key, entry] of Object.entries<Setting<unknown>>(settingsTable) as [SettingKey, Setting<unknown>][]
  ) {
    const text = textOf(key, entry, environment, readFile, problems);
    if (text === undefined) continue;
    const parsed = entry.schema.safeParse(text);
    if (parsed.success) values[key] = parsed.data;
    const verdict = parsed.success ? judge(key, parsed.data) : null;
    const reasons = parsed.error?.issues.map((issue) => issue.message) ?? (verdict === null ? [] : [verdict]);
    for (const reason of reasons) {
      problems.push({ key, value: entry.secret ? "(secret)" : text, reason, example: entry.example });
    }
  }
  if (problems.length === 0) problems.push(...contradictions(values as Settings));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, settings: values as Settings };
}

/** What people read when the settings are wrong. */
export function problemsText(problems: Problem[]): string {
  const lines = [`✗ Configuration has ${problems.length} problem${problems.length === 1 ? "" : "s"}`, ""];
  for (const { key, value, reason, example } of problems) {
    lines.push(
      value === null ? `  ${key}` : `  ${key} = ${value === "(secret)" ? value : JSON.stringify(value)}`,
      `    ${reason}`,
    );
    if (example) lines.push(`    Example: ${key}=${example}`);
  }
  lines.push("", "Nothing was started. See all settings: ncc help settings");
  return lines.join("\n");
}

function isKnown(key: string): boolean {
  return key in settingsTable || (key.endsWith("_FILE") && isSecret(key.slice(0, -5)));
}

function isSecret(key: string): boolean {
  return (settingsTable as Record<string, Setting<unknown>>)[key]?.secret === true;
}

function textOf(
  key: SettingKey,
  entry: Setting<unknown>,
  environment: Record<string, string>,
  readFile: (path: string) => string,
  problems: Problem[],
): string | undefined {
  const given = environment[key]?.trim();
  const path = entry.secret ? environment[`${key}_FILE`]?.trim() : undefined;
  if (given && path) {
    problems.push({
      key,
      value: null,
      reason: `is set together with ${key}_FILE. Keep one of them.`,
      example: null,
    });
  }
  if (given) return given;
  if (path) {
    try {
      return readFile(path).trim();
    } catch (error) {
      problems.push({
        key: `${key}_FILE`,
        value: path,
        reason: `can't be read: ${(error as Error).message}`,
        example: null,
      });
      return undefined;
    }
  }
  return entry.default;
}

function unknownKey(key: string): Problem {
  const known = Object.keys(settingsTable).flatMap((k) => isSecret(k) ? [k, `${k}_FILE`] : [k]);
  const near = nearest(key, known);
  return {
    key,
    value: null,
    reason: `is not a setting.${near === null ? "" : ` Did you mean ${near}?`}`,
    example: null,
  };
}

/** The word that was probably meant; null when none is near. */
export function nearest(word: string, words: string[]): string | null {
  const near = words.map((one) => ({ one, d: distance(word, one) })).sort((a, b) => a.d - b.d)[0];
  return near !== undefined && near.d <= Math.min(4, Math.ceil(word.length / 2)) ? near.one : null;
}

/** Levenshtein distance, for "did you mean". */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/**
 * Why a wallet can't be used with these settings; null when it can. The demo wallet takes no real money, so it is refused
 * where strangers could order: with a public URL or a relay that isn't on this machine.
 */
export function walletRefusal(
  url: string,
  settings: Pick<Settings, "NCC_PUBLIC_URL" | "NCC_RELAYS" | "NCC_DM_RELAYS">,
): string | null {
  if (!/^\s*demo:/i.test(url)) return null;
  const { NCC_PUBLIC_URL, NCC_RELAYS, NCC_DM_RELAYS = [] } = settings;
  const reachable = [NCC_PUBLIC_URL, ...NCC_RELAYS, ...NCC_DM_RELAYS].find((one) => one && !isLoopback(one));
  return reachable === undefined
    ? null
    : `takes no real money, so it is refused together with ${reachable}: strangers could order for nothing. Use a real wallet.`;
}

/** What each value allows but their combination doesn't. */
function contradictions(settings: Settings): Problem[] {
  return [
    ...withoutPassphrase(settings),
    ...demoWallets(settings),
    ...noOrderFits(settings),
    ...unreachablePages(settings),
    ...unwatched(settings),
    ...withoutMedusa(settings),
  ];
}

/** What means nothing without Medusa. */
const FOR_MEDUSA = [
  "NCC_MEDUSA_EMAIL",
  "NCC_MEDUSA_PASSWORD",
  "NCC_MEDUSA_KEY",
  "NCC_MEDUSA_WEBHOOK_SECRET",
  "NCC_MEDUSA_CHANNEL",
  "NCC_MEDUSA_CURRENCY",
] as const;

/** Customers' programs open no other address, and who reads it on the way sees what is bought. */
const FOR_CUSTOMERS = /^(https:\/\/|http:\/\/[a-z2-7]{56}\.onion(:|\/|$))/i;

/** Addresses of a wallet need somebody who sees what is paid to them. */
function unwatched({ NCC_BTC, NCC_BTC_SERVERS }: Settings): Problem[] {
  if (NCC_BTC === undefined || NCC_BTC_SERVERS.length > 0) return [];
  const reason = "is not set: nobody would see what is paid to the addresses of NCC_BTC.";
  const { example } = settingsTable.NCC_BTC_SERVERS;
  return [{ key: "NCC_BTC_SERVERS", value: null, reason, example }];
}

/** Medusa is asked where it is, and as somebody. */
function withoutMedusa(settings: Settings): Problem[] {
  const unset = (key: SettingKey, reason: string): Problem[] => [
    { key, value: null, reason: `is not set${reason}`, example: settingsTable[key].example },
  ];
  const { NCC_MEDUSA_URL: url, NCC_MEDUSA_EMAIL: email, NCC_MEDUSA_PASSWORD: password } = settings;
  if (url === undefined) {
    const given = FOR_MEDUSA.find((key) => settings[key] !== undefined);
    return given === undefined ? [] : unset("NCC_MEDUSA_URL", `, but ${given} is.`);
  }
  if (email === undefined && password !== undefined) {
    return unset("NCC_MEDUSA_EMAIL", ": whose password is NCC_MEDUSA_PASSWORD?");
  }
  if (email !== undefined && password === undefined) {
    return unset("NCC_MEDUSA_PASSWORD", ": nobody can log in by the e-mail alone.");
  }
  if (email !== undefined || settings.NCC_MEDUSA_KEY !== undefined) return [];
  return unset("NCC_MEDUSA_EMAIL", ": Medusa wants a user's e-mail and password, or an NCC_MEDUSA_KEY.");
}

function unreachablePages({ NCC_PAYMENT_OPTIONS: options, NCC_PUBLIC_URL: url }: Settings): Problem[] {
  if (options.length === 1 || FOR_CUSTOMERS.test(url ?? "")) return [];
  return [{
    key: "NCC_PAYMENT_OPTIONS",
    value: options.join(","),
    reason:
      "needs an NCC_PUBLIC_URL that begins with https:// (or names an onion service): customers open it.",
    example: "ln",
  }];
}

function noOrderFits({ NCC_MIN_ORDER: least, NCC_MAX_ORDER: most }: Settings): Problem[] {
  if (least === undefined || most === undefined || least <= most) return [];
  const reason = `is more than NCC_MAX_ORDER (${most}): no order could be taken.`;
  return [{
    key: "NCC_MIN_ORDER",
    value: String(least),
    reason,
    example: settingsTable.NCC_MIN_ORDER.example,
  }];
}

function withoutPassphrase({ NCC_KEY, NCC_KEY_PASSPHRASE }: Settings): Problem[] {
  if (!/^(nostr:)?ncryptsec1/i.test(NCC_KEY ?? "") || NCC_KEY_PASSPHRASE !== undefined) return [];
  return [{
    key: "NCC_KEY",
    value: "(secret)",
    reason: "is encrypted (ncryptsec1…) and needs its passphrase, best in a file.",
    example: null,
  }, {
    key: "NCC_KEY_PASSPHRASE_FILE",
    value: null,
    reason: "is not set.",
    example: "/run/secrets/ncc-passphrase",
  }];
}

function demoWallets(settings: Settings): Problem[] {
  return (["NCC_WALLET", "NCC_WALLET_SPEND"] as const).flatMap((key) => {
    const url = settings[key];
    const reason = url === undefined ? null : walletRefusal(url, settings);
    return reason === null ? [] : [{ key, value: "demo:", reason, example: settingsTable[key].example }];
  });
}
