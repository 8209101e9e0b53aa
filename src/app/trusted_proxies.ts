import { BlockList, isIP } from "node:net";

/** So many hops are looked at, from the nearest on: no honest way is longer. */
const MOST_HOPS = 20;

/** Why a text is neither an address nor a network; null when it is one. */
export function networkProblem(text: string): string | null {
  const [address = "", length, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) {
    return `"${text}" is no address and no network: 10.0.0.1, 10.0.0.0/8, ::1 or fd00::/8 are.`;
  }
  if (length === undefined) return null;
  const most = family === 4 ? 32 : 128;
  if (!/^\d{1,3}$/.test(length) || Number(length) > most) return `"${text}": a length is at most ${most}.`;
  return Number(length) === 0 ? `"${text}" is everybody, and then anybody can pretend any address.` : null;
}

/**
 * Tells whose request it is when proxies that we trust (`NCC_TRUSTED_PROXIES`) stand in front of us. Only what they say is
 * believed (`X-Forwarded-For`), from the nearest hop on: the first one that is no proxy of ours is the client, for all that
 * stands left of it anybody can have written.
 */
export class TrustedProxies {
  readonly #networks: BlockList | null;

  /** Addresses and networks, checked before by `networkProblem`. */
  constructor(networks: readonly string[]) {
    this.#networks = networks.length === 0 ? null : new BlockList();
    for (const text of networks) {
      const [address, length] = text.split("/") as [string, string | undefined];
      const family = familyOf(address);
      this.#networks!.addSubnet(address, Number(length ?? (family === "ipv4" ? 32 : 128)), family);
    }
  }

  /** The client's address: `remote`, the other end of the connection, unless that is a proxy of ours which names another. */
  clientOf(remote: string, forwardedFor: string | null): string {
    let client = plainAddress(remote) ?? remote;
    if (!this.#trusts(client) || forwardedFor === null) return client;
    for (const hop of forwardedFor.split(",").slice(-MOST_HOPS).reverse()) {
      const address = plainAddress(hop.trim());
      // Who wrote what can't be read knows no more; the proxy that passed it on is all we know.
      if (address === null) return client;
      client = address;
      if (!this.#trusts(client)) return client;
    }
    return client;
  }

  #trusts(address: string): boolean {
    return this.#networks !== null && isIP(address) !== 0 &&
      this.#networks.check(address, familyOf(address));
  }
}

/** An address without brackets, port and zone, an IPv4 one not in IPv6's clothes; null when it is none. */
function plainAddress(text: string): string | null {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)?.[1];
  const withPort = /^([^:]*):\d{1,5}$/.exec(text)?.[1];
  const address = (bracketed ?? withPort ?? text).split("%")[0]!;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  return isIP(mapped) === 0 ? null : mapped.toLowerCase();
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}
