import { createHash } from "node:crypto";

/** An event before it has a time and a signature. */
export interface EventDraft {
  kind: number;
  content: string;
  tags: string[][];
}

/** sha-256 over what an event says: the same hash needs no new version. */
export function draftHash({ kind, content, tags }: EventDraft): string {
  return createHash("sha256").update(JSON.stringify([kind, content, tags])).digest("hex");
}

/** A plain decimal as a JSON number, digit for digit: no float stands between the price and the wire. */
export function exactNumber(decimal: string): unknown {
  return (JSON as JsonWithRaw).rawJSON(decimal);
}

/** ECMAScript's `JSON.rawJSON`, which the compiler's library doesn't list yet. */
type JsonWithRaw = typeof JSON & { rawJSON(text: string): unknown };
