import type { Clock } from "../../clock.ts";
import type { ServerChoice } from "./chain_server.ts";
import { ElectrumServer } from "./electrum_server.ts";
import { EsploraServer } from "./esplora_server.ts";

const ELECTRUM = /^electrum\+(ssl|tcp):$/;
const ESPLORA = /^esplora\+(https?):$/;
const WANTED =
  "is not a server: electrum+ssl://host:50002, electrum+tcp://host:50001 or esplora+https://host/api.";

/** A server as a setting names it: how to connect to it, or what is wrong with it. */
export function readServer(
  text: string,
): { ok: true; open: (clock: Clock) => ServerChoice } | { ok: false; reason: string } {
  const url = URL.parse(text);
  if (!url || url.hostname === "") return { ok: false, reason: WANTED };
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    return { ok: false, reason: "has more than a host, a port and a path." };
  }
  const electrum = ELECTRUM.exec(url.protocol)?.[1];
  if (electrum !== undefined) {
    if (url.port === "") return { ok: false, reason: "names no port." };
    if (url.pathname !== "" && url.pathname !== "/") return { ok: false, reason: "has a path." };
    const name = `${url.hostname}:${url.port}`;
    // A literal IPv6 address stands in brackets.
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const address = { host, port: Number(url.port), tls: electrum === "ssl" };
    return {
      ok: true,
      open: (clock) => ({ name, open: (signal) => ElectrumServer.open({ name, address, clock }, signal) }),
    };
  }
  const transport = ESPLORA.exec(url.protocol)?.[1];
  if (transport === undefined) return { ok: false, reason: WANTED };
  const base = new URL(text.slice(text.indexOf(":")).replace(/^/, transport));
  const name = base.host;
  return {
    ok: true,
    open: (clock) => ({ name, open: (signal) => EsploraServer.open({ name, base, clock }, signal) }),
  };
}
