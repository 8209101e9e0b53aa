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

/** Reads such a URL. The reason of a refusal holds nothing of it but its scheme and a parameter's name. */
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
  const unknown = [...url.searchParams].find(([name]) => !o.params.includes(name));
  if (unknown) {
    const what = isName(...unknown) ? `the unknown parameter ${unknown[0]}` : "a parameter without a name";
    return { ok: false, reason: `it has ${what}; known are ${o.params.join(", ")}` };
  }
  const base = new URL(url.pathname, url.origin);
  return { ok: true, address: { base, user, password, params: url.searchParams } };
}

/** The URL without its secrets: user, password and every parameter's value but those of `shown`. */
export function maskWalletAddress(text: string, shown: readonly string[] = []): string {
  const [scheme = ""] = text.trim().split(":", 1);
  const url = URL.parse(text.trim().slice(scheme.length).replace(/^/, "https"));
  if (!url) return `${scheme.toLowerCase()}:${HIDDEN}`;
  const params = [...new Set(url.searchParams.keys())].map((name) => {
    const value = url.searchParams.get(name)!;
    if (shown.includes(name)) return `${name}=${value}`;
    return isName(name, value) ? `${name}=${HIDDEN}` : HIDDEN;
  });
  const user = url.username !== "" || url.password !== "" ? `${HIDDEN}@` : "";
  return `${scheme.toLowerCase()}://${user}${url.host}${params.length > 0 ? `?${params.join("&")}` : ""}`;
}

/** Whether it is a parameter's name, and not its value, before which the name was forgotten. */
function isName(name: string, value: string): boolean {
  return value !== "" && /^[a-z_]{1,16}$/i.test(name);
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
