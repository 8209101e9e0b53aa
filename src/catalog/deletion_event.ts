import type { EventDraft } from "./event_draft.ts";

/** NIP-09: kind 5 for every version of an address (`a`), for the known ones by id (`e`: some clients read nothing else), with the kind (`k`). */
export function deletionEvent(
  o: { merchant: string; kind: number; d: string; eventIds: readonly string[] },
): EventDraft {
  return {
    kind: 5,
    content: "",
    tags: [
      ...o.eventIds.map((id) => ["e", id]),
      ["a", `${o.kind}:${o.merchant}:${o.d}`],
      ["k", String(o.kind)],
    ],
  };
}
