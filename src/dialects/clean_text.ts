// deno-lint-ignore no-control-regex -- removing control characters is what this is for
const CONTROL = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g;
/** Overrides, embeddings and isolates of the writing direction, which can make a text show as another one. */
const DIRECTION = /[\u202A-\u202E\u2066-\u2069]/g;

/**
 * A customer's text as it is kept and shown: well-formed, line ends as `\n`, without control characters (terminals obey
 * them, PostgreSQL refuses NUL) and without marks that turn the writing direction.
 */
export function cleanText(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(CONTROL, "").replace(DIRECTION, "").toWellFormed();
}

/** The same, trimmed and cut to `longest` UTF-16 units; null when nothing is left. */
export function cleanLine(text: string, longest: number): string | null {
  const clean = cleanText(text).trim();
  if (clean === "") return null;
  return clean.length > longest ? `${clean.slice(0, longest - 1).toWellFormed()}…` : clean;
}

/** Whether both databases keep the text as it is: no NUL and no half of a surrogate pair. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}
