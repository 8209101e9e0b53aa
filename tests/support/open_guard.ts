import { AddressGuard, type AddressVerdict } from "../../src/web/address_guard.ts";

/**
 * Takes `ws:` URLs of names under `.example` for public, and finds them on this machine: relays of a test that nobody configured.
 * Everything else meets the real rules.
 */
export class ExampleGuard extends AddressGuard {
  /** Names that a connection asked for. */
  readonly dialled: string[] = [];

  constructor() {
    super({
      resolve: (host) => {
        this.dialled.push(host);
        return Promise.resolve(["127.0.0.1"]);
      },
      isAllowed: (address) => address === "127.0.0.1",
    });
  }

  override refuse(text: string, scheme: string): string | null {
    const url = URL.parse(text);
    if (url?.protocol === "ws:" && url.hostname.endsWith(".example")) return null;
    return new AddressGuard().refuse(text, scheme);
  }

  override check(text: string, scheme: string): Promise<AddressVerdict> {
    const reason = this.refuse(text, scheme);
    return Promise.resolve(reason === null ? { ok: true } : { ok: false, reason });
  }
}

/** The URL of a relay of this machine under a name that only `ExampleGuard` knows. */
export function named(url: string, name = "relay.customer.example"): string {
  return url.replace("127.0.0.1", name);
}
