import { lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { errorText } from "../log.ts";
import { isPublicAddress, literalAddress } from "./address_range.ts";

/** Finds the addresses of a name, as the machine does. */
export type Resolve = (host: string) => Promise<string[]>;

/** Whether a URL may be opened, and if not why. */
export type AddressVerdict = { ok: true } | { ok: false; reason: string };

/** A name that leads to addresses which may not be dialled. */
export class NotPublicError extends Error {
  override readonly name = "NotPublicError";
}

export interface AddressGuardOptions {
  /** Default: the machine's resolver. */
  resolve?: Resolve;
  /** Default: addresses on the public internet. */
  isAllowed?: (address: string) => boolean;
}

/** Endings of names that only mean something inside a network, or outside of DNS. */
const LOCAL_NAMES =
  /(^|\.)(localhost|localdomain|local|internal|intranet|private|corp|home|lan|arpa|onion|i2p|test|invalid)$/;
const NOT_PUBLIC = "not a public address";
const MOST_HOST_CHARACTERS = 253;
/** Ports of services above 1023 that a crafted handshake may reach: databases, caches, X11, SIP, IRC, containers. */
const OTHER_SERVICES = [
  ...[1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 5060, 5061],
  ...[5432, 5900, 5984, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9200, 9300, 10080],
  ...[10250, 11211, 27017],
];

/**
 * Keeps strangers' URLs from making us talk to our own network (design §11: no foreign URL without the address check). A URL is
 * looked at before it is used (`refuse`, and `check` with its name resolved), and `lookup` goes into the connection itself: the
 * address that was checked is the one that is dialled, so a name that changes its answer in between gains nothing.
 */
export class AddressGuard {
  readonly #resolve: Resolve;
  readonly #isAllowed: (address: string) => boolean;

  constructor(o: AddressGuardOptions = {}) {
    this.#resolve = o.resolve ?? systemResolve;
    this.#isAllowed = o.isAllowed ?? isPublicAddress;
  }

  /**
   * Why this URL can't be opened, whatever its name resolves to; null when nothing speaks against it. A literal address is
   * judged here, because connections skip `lookup` for it. `scheme`: the only one that is taken, `wss:` or `https:`.
   */
  refuse(text: string, scheme: string): string | null {
    const url = URL.parse(text);
    if (!url) return "not a URL";
    if (url.protocol !== scheme) return `not ${scheme}//`;
    if (url.username !== "" || url.password !== "") return "has a user name or password";
    const port = url.port === "" ? 443 : Number(url.port);
    if (port !== 443 && (port < 1024 || OTHER_SERVICES.includes(port))) return `port ${port} is not for this`;
    const address = literalAddress(url.hostname);
    if (address !== null) return this.#isAllowed(address) ? null : NOT_PUBLIC;
    const name = url.hostname.replace(/\.$/, "").toLowerCase();
    if (name.length > MOST_HOST_CHARACTERS || !/^[a-z0-9._-]+$/.test(name)) return "not a host's name";
    if (!name.includes(".") || LOCAL_NAMES.test(name)) return "a name of a local network";
    return null;
  }

  /** The same, and every address of its name must be public. Never rejects. */
  async check(text: string, scheme: string): Promise<AddressVerdict> {
    const reason = this.refuse(text, scheme);
    if (reason !== null) return { ok: false, reason };
    const host = new URL(text).hostname;
    if (literalAddress(host) !== null) return { ok: true };
    try {
      await this.#addresses(host);
      return { ok: true };
    } catch (error) {
      return { ok: false, reason: errorText(error) };
    }
  }

  /** For the `lookup` option of a socket, a TLS or an HTTP connection: gives out checked addresses only. */
  get lookup(): LookupFunction {
    return (host, options, done) => {
      this.#addresses(host).then(
        (addresses) => {
          const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
          if (options.all === true) done(null, found);
          else done(null, found[0]!.address, found[0]!.family);
        },
        (error) => done(error as NodeJS.ErrnoException, "", 0),
      );
    };
  }

  /** Throws unless all of them are allowed: a name with one foot in our network is not to be trusted with the other. */
  async #addresses(host: string): Promise<string[]> {
    const addresses = await this.#resolve(host);
    if (addresses.length === 0) throw new Error("its name has no address");
    if (!addresses.every(this.#isAllowed)) throw new NotPublicError(NOT_PUBLIC);
    return addresses;
  }
}

function systemResolve(host: string): Promise<string[]> {
  return new Promise((resolve, reject) =>
    systemLookup(host, { all: true }, (error, found) => {
      if (error) reject(new Error(`its name can't be resolved (${error.code ?? error.message})`));
      else resolve(found.map(({ address }) => address));
    })
  );
}
