import { isIPv4, isIPv6 } from "node:net";

/** What is not the public internet, or no single machine there (IANA's special-purpose registry, multicast, the rest of class E). */
const CLOSED_V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
];
/** Of IPv6 only this is given out for the public internet; what is kept back of it follows. */
const OPEN_V6 = "2000::/3";
/** Protocol assignments with Teredo, documentation, 6to4: their inner address may be anybody's. */
const CLOSED_V6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];
/** An IPv4 address in IPv6's clothes: mapped (RFC 4291), and what DNS64 answers for a host without IPv6 (RFC 6052). */
const CARRIES_V4 = ["::ffff:0:0/96", "64:ff9b::/96"];

/**
 * Whether a literal address belongs to one machine on the public internet. False for every other address, for one with a zone,
 * and for a text that isn't an address in its usual spelling: what can't be told isn't let through.
 */
export function isPublicAddress(text: string): boolean {
  if (isIPv4(text)) return !CLOSED_V4.some((range) => within(text, range));
  if (!isIPv6(text) || text.includes("%")) return false;
  if (CARRIES_V4.some((range) => within(text, range))) return isPublicAddress(v4Within(text));
  return within(text, OPEN_V6) && !CLOSED_V6.some((range) => within(text, range));
}

/** The address that a URL's host is, without brackets; null for a name. The URL parser has straightened odd spellings before. */
export function literalAddress(host: string): string | null {
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  return isIPv4(bare) || isIPv6(bare) ? bare : null;
}

function within(address: string, range: string): boolean {
  const [start, length] = range.split("/") as [string, string];
  const width = isIPv4(start) ? 32 : 128;
  const rest = BigInt(width - Number(length));
  return valueOf(address) >> rest === valueOf(start) >> rest;
}

function valueOf(address: string): bigint {
  return isIPv4(address) ? valueOfV4(address) : valueOfV6(address);
}

function valueOfV4(address: string): bigint {
  return address.split(".").reduce((value, part) => value * 256n + BigInt(part), 0n);
}

function valueOfV6(address: string): bigint {
  // The last four bytes may be written as IPv4.
  const plain = address.replace(/[\d.]+$/, (tail) => {
    if (!tail.includes(".")) return tail;
    const value = valueOfV4(tail);
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
  });
  const [head = "", tail] = plain.split("::");
  const groups = (part: string) => part === "" ? [] : part.split(":");
  const before = groups(head);
  const after = groups(tail ?? "");
  const zeros = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill("0");
  return [...before, ...zeros, ...after].reduce((value, group) => value * 65536n + BigInt(`0x${group}`), 0n);
}

function v4Within(address: string): string {
  const value = valueOfV6(address);
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join(".");
}
