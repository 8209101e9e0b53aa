import { RelaySocket } from "../../nostr/websocket.ts";

export interface HintSocket {
  /** http(s) or ws(s). */
  url: URL;
  headers?: Record<string, string>;
  /** It is open: what was paid before may have gone unheard. */
  opened(): Promise<void>;
  /** A message came. */
  heard(text: string): Promise<void>;
}

/**
 * Listens to a wallet's WebSocket until `signal` ends it; then it resolves. Rejects when the connection can't be made or breaks,
 * with a reason that holds nothing of the URL.
 */
export function listenTo(o: HintSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve();
    const url = new URL(o.url);
    url.protocol = url.protocol.replace(/^http/, "ws");
    const socket = new RelaySocket(url, undefined, undefined, o.headers);
    let broken: unknown;
    const end = () => socket.terminate();
    const fail = (error: unknown) => {
      broken ??= error;
      end();
    };
    socket.on("error", (error) => broken ??= error);
    socket.on("open", () => void o.opened().catch(fail));
    socket.on("message", (data) => void o.heard(String(data)).catch(fail));
    socket.on("close", () => {
      signal.removeEventListener("abort", end);
      if (signal.aborted) resolve();
      else reject(broken ?? new Error("the wallet closed the connection"));
    });
    signal.addEventListener("abort", end, { once: true });
  });
}
