import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { checkServerIdentity, type PeerCertificate } from "node:tls";

/** There was no connection: nothing was sent. */
export class NotConnected extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "NotConnected";
  }
}

/** What a request is made of. */
export interface CertifiedRequest {
  method: string;
  headers: Record<string, string>;
  body: string | null;
  signal: AbortSignal;
}

/** Statuses of answers without a body. */
const EMPTY = [204, 205, 304];

/**
 * Asks a server whose certificate is its own. Nodes' certificates are often authorities and servers in one (LND's always are),
 * which `fetch` never takes, whatever it is told to trust. Exactly that certificate is enough, wherever the server is reached;
 * one that it has signed has to be for the host's name, too. Of the answer's headers only its type is kept. Rejects by
 * `NotConnected` as long as nothing was sent.
 */
export function fetchCertified(url: URL, o: CertifiedRequest, pem: string): Promise<Response> {
  return new Promise((resolve, reject) => {
    let connected = false;
    const end = () => asking.destroy(new Error("the wait is over"));
    const asking = request(url, {
      method: o.method,
      headers: { ...o.headers, ...(o.body !== null && { "content-length": String(utf8Length(o.body)) }) },
      ca: pem,
      agent: false,
      checkServerIdentity: (host, shown) =>
        isPinned(shown, pem) ? undefined : checkServerIdentity(host, shown),
    });
    asking.on("socket", (socket) => socket.once("secureConnect", () => connected = true));
    asking.on("error", (error: NodeJS.ErrnoException) => {
      o.signal.removeEventListener("abort", end);
      reject(connected ? error : new NotConnected(reasonOf(error)));
    });
    asking.on("response", (response) => {
      response.once("close", () => o.signal.removeEventListener("abort", end));
      const status = response.statusCode ?? 0;
      if (status < 200 || status > 599) return void asking.destroy(new Error("no HTTP"));
      const empty = EMPTY.includes(status);
      if (empty) response.resume();
      const type = response.headers["content-type"];
      const headers = type === undefined ? {} : { "content-type": type };
      resolve(new Response(empty ? null : bodyOf(response, () => asking.destroy()), { status, headers }));
    });
    if (o.signal.aborted) return void end();
    o.signal.addEventListener("abort", end, { once: true });
    asking.end(o.body ?? undefined);
  });
}

/** The body as it comes; it fails when it breaks off. */
function bodyOf(response: IncomingMessage, cancel: () => void): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = response[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    cancel,
  });
}

function isPinned(shown: PeerCertificate, pem: string): boolean {
  const pinned = /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/.exec(pem)?.[1];
  if (pinned === undefined || !shown.raw) return false;
  return pinned.replace(/\s+/g, "") === new Uint8Array(shown.raw).toBase64();
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Certificates' errors list every name that they are for. */
function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === "ERR_TLS_CERT_ALTNAME_INVALID") return "its certificate is for another name";
  return error.message || (error.code ?? "the connection broke");
}
