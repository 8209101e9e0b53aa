import { type AlertKind, alertKinds } from "../alert.ts";

/**
 * Which kinds of news the owners want, from the words of NCC_NOTIFY: `all`, kinds, and `-kind` for what is left out. Who only
 * leaves out wants the rest. Words that are no kind mean nothing here; `unknownKind` finds them.
 */
export function wantedKinds(words: readonly string[]): ReadonlySet<AlertKind> {
  const wanted = words.filter((word) => !word.startsWith("-"));
  const unwanted = new Set(words.filter((word) => word.startsWith("-")).map((word) => word.slice(1)));
  const all = wanted.length === 0 || wanted.includes("all");
  return new Set(alertKinds.filter((kind) => (all || wanted.includes(kind)) && !unwanted.has(kind)));
}

/** The first word that names no kind of news; null when all do. */
export function unknownKind(words: readonly string[]): string | null {
  const known: readonly string[] = ["all", ...alertKinds];
  const unknown = words.find((word) => !known.includes(word.replace(/^-/, "")) || word === "-all");
  return unknown ?? null;
}
