/** A Lightning address, `user@host`: where money can be sent without asking for an invoice by hand. */
export interface LightningAddress {
  /** Lower case, as it is shown and stored. */
  text: string;
  host: string;
  /** Where its server says what it takes. */
  url: string;
}

/** LUD-16: a-z0-9-_. and, since 2023, a tag after a plus sign. */
const USER = /^[a-z0-9._+-]{1,64}$/;
/** A name of the public internet, with a port where it isn't the usual one. */
const HOST =
  /^(?=.{4,253}(?::|$))(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9](?::\d{1,5})?$/;

/** Reads a Lightning address; null for what is none. LUD-16. Whether its host may be asked is the guarded fetch's to say. */
export function readLightningAddress(text: string): LightningAddress | null {
  const lower = text.trim().toLowerCase();
  const [user = "", host = "", ...rest] = lower.split("@");
  if (rest.length > 0 || !USER.test(user) || !HOST.test(host)) return null;
  const url = URL.parse(`https://${host}/.well-known/lnurlp/${encodeURIComponent(user)}`);
  return url ? { text: lower, host, url: url.href } : null;
}

/**
 * Whether two hosts belong to the same people, as far as their names tell: one is under the other, or both are under the same
 * registered name. Which names can be registered is guessed: under a country's two letters `co`, `com` and their like can't be.
 */
export function sameSite(one: string, other: string): boolean {
  return one === other || one.endsWith(`.${other}`) || other.endsWith(`.${one}`) ||
    registered(one) === registered(other);
}

function registered(host: string): string {
  const labels = host.split(".");
  const [second = "", top = ""] = labels.slice(-2);
  return labels.slice(top.length === 2 && second.length <= 3 ? -3 : -2).join(".");
}
