/**
 * The one spelling of a relay's URL: lower-case scheme and host, no default port, no fragment, no slash at the end.
 * `null` for what isn't a `ws:` or `wss:` URL.
 */
export function relayUrl(text: string): string | null {
  const url = URL.parse(text.trim());
  if (!url || (url.protocol !== "ws:" && url.protocol !== "wss:") || url.hostname === "") return null;
  url.hash = "";
  return url.href.replace(/\/+$/, "");
}
