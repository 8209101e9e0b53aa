import { readBase64 } from "../encoded.ts";

/** Commands that move money or make another secret. */
const SPENDING = [
  "pay",
  "xpay",
  "renepay",
  "keysend",
  "sendpay",
  "sendonion",
  "injectpaymentonion",
  "withdraw",
  "txsend",
  "sendpsbt",
  "fundchannel",
  "multifundchannel",
  "createrune",
  "hsmtool",
];
const AUTHENTICATION_BYTES = 32;

/**
 * Whether a rune allows any command that spends; null when it can't be read. A rune is 32 bytes of authentication and the text
 * of its restrictions: all of them (`&`) have to be met, each by one of its alternatives (`|`) as `method=invoice`.
 */
export function canSpend(rune: string): boolean | null {
  const bytes = readBase64(rune);
  if (bytes === null || bytes.length < AUTHENTICATION_BYTES) return null;
  const restrictions = split(new TextDecoder().decode(bytes.subarray(AUTHENTICATION_BYTES)), "&");
  return SPENDING.some((method) =>
    restrictions.every((restriction) => split(restriction, "|").some((one) => allows(one, method)))
  );
}

/** Whether an alternative lets this command pass; what is about anything else than the command's name may. */
function allows(alternative: string, method: string): boolean {
  const read = /^method([=/^$~<>{}])(.*)$/s.exec(alternative);
  if (!read) return true;
  const value = read[2]!.replaceAll(/\\(.)/gs, "$1");
  switch (read[1]) {
    case "=":
      return method === value;
    case "/":
      return method !== value;
    case "^":
      return method.startsWith(value);
    case "$":
      return method.endsWith(value);
    case "~":
      return method.includes(value);
    case "{":
      return method < value;
    case "}":
      return method > value;
    default:
      return true;
  }
}

/** Parts between separators that no backslash makes plain text. */
function split(text: string, separator: "&" | "|"): string[] {
  const parts = [""];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === separator) parts.push("");
    else parts[parts.length - 1] += text[at] === "\\" ? text[at]! + (text[++at] ?? "") : text[at]!;
  }
  return parts;
}
