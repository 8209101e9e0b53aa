import type { Settings } from "../settings.ts";

/** Host names that a request may carry: the public one, or this machine's. */
export function knownHosts({ NCC_PUBLIC_URL, NCC_HOST }: Settings): ReadonlySet<string> {
  const named = NCC_PUBLIC_URL === undefined ? [] : [new URL(NCC_PUBLIC_URL).hostname];
  // `0.0.0.0` and `::` are every address and nobody's name.
  const own = hostText(NCC_HOST);
  return new Set(["localhost", "127.0.0.1", "[::1]", own, ...named]);
}

/** An address to listen on as a URL's host: every address is reached by the loopback one. */
export function hostText(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
