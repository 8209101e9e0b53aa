import type { PaymentLink } from "./wallet.ts";

const LONGEST = 2_000;
const MOST = 4;

/** What a link of each type looks like: a customer's program opens it, so nothing else is handed on. */
const FORMS: Record<PaymentLink["type"], RegExp> = {
  // BIP21; what it asks for besides address and amount is left to the wallet that offers it.
  btc: /^bitcoin:[a-z0-9]{14,100}(\?[\w.~%=&+:/?-]*)?$/i,
  // Only TLS: who reads the page's address may see what is bought. Onion services have their own.
  url: /^(https:\/\/[^\s"'<>\\]+|http:\/\/[a-z2-7]{56}\.onion(:\d+)?\/[^\s"'<>\\]*)$/i,
  // LUD-01 or LUD-17.
  lnurl: /^(lnurl1[02-9ac-hj-np-z]{20,}|lnurlp:\/\/[^\s"'<>\\]+)$/i,
};

/** Those of a wallet's further ways to pay that can be offered to a customer: one of each type. */
export function offerable(links: readonly PaymentLink[]): PaymentLink[] {
  const seen = new Set<string>();
  return links.filter(({ type, link }) => {
    const fits = Object.hasOwn(FORMS, type) && link.length <= LONGEST && FORMS[type].test(link);
    if (!fits || seen.has(type) || seen.size >= MOST) return false;
    seen.add(type);
    return true;
  }).map(({ type, link }) => ({ type, link }));
}
