/** Languages that addresses are written in, as far as this program is told their countries' names. */
const LANGUAGES = [
  "en",
  "de",
  "fr",
  "es",
  "it",
  "pt",
  "nl",
  "pl",
  "cs",
  "sv",
  "da",
  "fi",
  "nb",
  "hu",
  "ro",
  "el",
];

/** What follows the street: a country stands in the last lines of an address, or nowhere. */
const LAST_LINES = 3;

/**
 * The country (ISO 3166-1, lower case) that an address is in, out of those that are possible: the only one, or the one that the end
 * of the address names, in words or as its code. Null when it names none or several.
 */
export function countryOf(address: string, possible: readonly string[]): string | null {
  if (possible.length === 1) return possible[0]!;
  const lines = address.split(/[\n,;]/).map(plain).filter((line) => line !== "").slice(-LAST_LINES).reverse();
  for (const line of lines) {
    const found = possible.filter((code) =>
      names(code).some((name) => line === name || line.endsWith(` ${name}`))
    );
    if (found.length > 0) return found.length === 1 ? found[0]! : null;
  }
  return null;
}

/** What a country is called, for people. */
export function countryName(code: string): string {
  return nameIn("en", code) ?? code.toUpperCase();
}

function names(code: string): string[] {
  const words = LANGUAGES.flatMap((language) => nameIn(language, code) ?? []);
  return [...new Set([code, ...words].map(plain))];
}

/** Null where the runtime knows no name. */
function nameIn(language: string, code: string): string | null {
  const name = new Intl.DisplayNames([language], { type: "region", fallback: "none" }).of(code.toUpperCase());
  return name ?? null;
}

/** Without accents, signs and case, so that "Österreich." is "osterreich". */
function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}
