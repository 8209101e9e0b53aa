/** What a wallet's URL of the form `<kind>+https://[user:password@]host[:port][/path]?name=value…` says. */
export interface WalletAddress {
  /** http or https, with its path, without user, query and fragment. */
  base: URL;
  user: string;
  password: string;
  params: URLSearchParams;
}

/** What stands for a secret. */
const HIDDEN = "***";

/** Reads such a URL. The reason of a refusal holds nothing of it but its scheme and the names of its parameters. */
export function readWalletAddress(
  text: string,
  o: { params: readonly string[] },
): { ok: true; address: WalletAddress } | { ok: false; reason: string } {
  const [scheme = ""] = text.trim().split(":", 1);
  const transport = scheme.toLowerCase().split("+")[1];
  const url = transport === "http" || transport === "https"
    ? URL.parse(text.trim().slice(scheme.length).replace(/^/, transport))
    : null;
  if (!url || url.hostname === "") {
    return { ok: false, reason: `${scheme.toLowerCase()}: expected //host[:port] after it` };
  }
  const [user, password] = [decoded(url.username), decoded(url.password)];
  if (user === null || password === null) {
    return { ok: false, reason: "its user name or password isn't percent-encoded as in a URL" };
  }
  const unknown = [...url.searchParams.keys()].filter((name) => !o.params.includes(name));
  if (unknown.length > 0) {
    return {
      ok: false,
      reason: `it has the unknown parameter ${unknown[0]}; known are ${o.params.join(", ")}`,
    };
  }
  const base = new URL(url.pathname, url.origin);
  return { ok: true, address: { base, user, password, params: url.searchParams } };
}

/** The URL without its secrets: user, password and every parameter's value but those of `shown`. */
export function maskWalletAddress(text: string, shown: readonly string[] = []): string {
  const [scheme = ""] = text.trim().split(":", 1);
  const url = URL.parse(text.trim().slice(scheme.length).replace(/^/, "https"));
  if (!url) return `${scheme.toLowerCase()}:${HIDDEN}`;
  const params = [...new Set(url.searchParams.keys())]
    .map((name) => `${name}=${shown.includes(name) ? url.searchParams.get(name) : HIDDEN}`);
  const user = url.username !== "" || url.password !== "" ? `${HIDDEN}@` : "";
  return `${scheme.toLowerCase()}://${user}${url.host}${params.length > 0 ? `?${params.join("&")}` : ""}`;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
