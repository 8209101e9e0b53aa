import { NIP50 } from "@nostrify/nostrify";

/** A NIP-50 search, taken apart. All of it must be fulfilled. */
export interface Search {
  /** Words that must follow each other; a single word is a phrase of one. */
  phrases: string[][];
  /** Phrases that mustn't occur (`-word`). */
  without: string[][];
  /** `key:value`: one of a key's values must fit. */
  extensions: Map<string, string[]>;
  /** `-key:value`: none of a key's values may fit. */
  withoutExtensions: Map<string, string[]>;
}

const WORDS = /[\p{L}\p{M}\p{N}]+/gu;

/**
 * Reads a search as people write it. Signs inside a word part it (`t-shirt` is the phrase `t shirt`). Null if some of it
 * can't be searched for, like `!!!`: then nothing is found, instead of too much.
 */
export function parseSearch(text: string): Search | null {
  const search: Search = { phrases: [], without: [], extensions: new Map(), withoutExtensions: new Map() };
  for (const token of NIP50.parseInput(text)) {
    if (typeof token === "string") {
      const words = token.match(WORDS);
      if (!words) return null;
      (token.startsWith("-") ? search.without : search.phrases).push([...words]);
    } else {
      const negated = token.key.startsWith("-");
      const key = negated ? token.key.slice(1) : token.key;
      const extensions = negated ? search.withoutExtensions : search.extensions;
      extensions.set(key, [...extensions.get(key) ?? [], token.value]);
    }
  }
  return search;
}

/** The words as PostgreSQL's `to_tsquery` reads them; undefined without any. */
export function tsquery(search: Search): string | undefined {
  const follow = (words: string[]) => `(${words.join(" <-> ")})`;
  const parts = [...search.phrases.map(follow), ...search.without.map((words) => `!${follow(words)}`)];
  return parts.length > 0 ? parts.join(" & ") : undefined;
}

/** Phrases as SQLite's FTS5 reads them: one of them (`or`) or all (`and`); undefined without any. */
export function ftsQuery(phrases: string[][], join: "and" | "or"): string | undefined {
  if (phrases.length === 0) return undefined;
  return phrases.map((words) => `"${words.join(" ")}"`).join(` ${join.toUpperCase()} `);
}
