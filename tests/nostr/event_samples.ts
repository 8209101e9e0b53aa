import { createHash } from "node:crypto";
import type { NostrEvent } from "@nostrify/types";

/** Keys that read well in a failure. */
export const ALICE = "a".repeat(64);
export const BOB = "b".repeat(64);
export const CAROL = "c".repeat(64);

/** An event with a true id and a made-up signature. An `id` of one's own is for ties and oddities. */
export function sample(fields: Partial<NostrEvent> = {}): NostrEvent {
  const { kind = 1, pubkey = ALICE, content = "", created_at = 1000, tags = [] } = fields;
  const id = createHash("sha256").update(JSON.stringify([0, pubkey, created_at, kind, tags, content])).digest(
    "hex",
  );
  return { id, kind, pubkey, content, created_at, tags, sig: "0".repeat(128), ...fields };
}

/** An id that starts with these letters. */
export function idLike(letters: string): string {
  return letters.padEnd(64, "0");
}
