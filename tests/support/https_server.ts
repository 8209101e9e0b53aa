import { AddressGuard } from "../../src/web/address_guard.ts";
import { GuardedFetch } from "../../src/web/guarded_fetch.ts";

/** Self-made, for every name under example.com, example.net and example.org; it signs nothing else and never expires. */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBkzCCATmgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAluY2MgdGVz
dHMwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CW5jYyB0ZXN0czBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPaENqK+F8KvV+4Q
TnA+WXlePvCdhiZsN9yo+b2EBpKX9b3ssBpCcM/Pq5BWMNlPBAy+DstsuJNLVtOQ
l9DJWvajejB4MAwGA1UdEwEB/wQCMAAwSQYDVR0RBEIwQIINKi5leGFtcGxlLmNv
bYILZXhhbXBsZS5jb22CDSouZXhhbXBsZS5uZXSCDSouZXhhbXBsZS5vcmeHBH8A
AAEwHQYDVR0OBBYEFJhJHYG5Wt10aobQcU1aQW8zrwYaMAoGCCqGSM49BAMCA0gA
MEUCIQC1WM9L8VsLIlUh2m2sUw9MGnbI+I2khbt4ujaq1dRr3gIgG5oQz88VkdPX
kpsoepb/+d1vF3gzYuqS7ZrEpy7tY8g=
-----END CERTIFICATE-----`;
/** Known to everybody who reads this: it proves nothing. */
export const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgec48RGFQsTUM3bgw
QDO9lXAQp728yfFtXua3HGdFM92hRANCAAT2hDaivhfCr1fuEE5wPll5Xj7wnYYm
bDfcqPm9hAaSl/W97LAaQnDPz6uQVjDZTwQMvg7LbLiTS1bTkJfQyVr2
-----END PRIVATE KEY-----`;

/** The only address that the tests' names lead to. */
const HERE = "127.0.0.1";

/** An HTTPS server of this machine that is reached by names of the public internet. */
export interface HttpsServer extends AsyncDisposable {
  readonly port: number;
  /** `https://<host>:<port>`. */
  origin(host?: string): string;
  /** Nobody reaches it any more. */
  stop(): Promise<void>;
}

export function httpsServer(handler: (request: Request) => Response | Promise<Response>): HttpsServer {
  const server = Deno.serve({
    hostname: HERE,
    port: 0,
    cert: CERTIFICATE,
    key: KEY,
    onListen: () => {},
    onError: (error) => new Response(String(error), { status: 500 }),
  }, handler);
  const { port } = server.addr;
  const stop = () => server.shutdown();
  return {
    port,
    origin: (host = "pay.example.com") => `https://${host}:${port}`,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A server that answers each connection byte for byte, after it was asked. */
export function rawServer(answer: (connection: Deno.TlsConn) => Promise<void>): HttpsServer {
  const listener = Deno.listenTls({ hostname: HERE, port: 0, cert: CERTIFICATE, key: KEY });
  const { port } = listener.addr as Deno.NetAddr;
  const work: Promise<void>[] = [];
  const talk = async (connection: Deno.TlsConn) => {
    try {
      await connection.read(new Uint8Array(16_384));
      await answer(connection);
    } catch {
      // Who asked has hung up: that is what most of these servers are for.
    } finally {
      connection.close();
    }
  };
  const accepting = (async () => {
    for await (const connection of listener) work.push(talk(connection));
  })();
  const stop = async () => {
    listener.close();
    await accepting;
    await Promise.all(work);
  };
  return {
    port,
    origin: (host = "pay.example.com") => `https://${host}:${port}`,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A guarded fetch that takes this machine's loopback, and nothing else, for the public internet: for servers of a test. */
export function testFetch(o: { resolve?: (host: string) => Promise<string[]> } = {}): GuardedFetch {
  const resolve = o.resolve ??
    ((host: string) =>
      /\.example\.(com|net|org)$/.test(host)
        ? Promise.resolve([HERE])
        : Promise.reject(new Error("no such name")));
  return new GuardedFetch({
    guard: new AddressGuard({ resolve, isAllowed: (address) => address === HERE }),
    ca: CERTIFICATE,
  });
}
