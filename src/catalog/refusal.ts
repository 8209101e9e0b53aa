/** Why the catalogue refused something from outside; nothing was changed. */
export interface Refusal {
  ok: false;
  code: "not_found" | "conflict" | "invalid";
  /** A sentence for people: what is wrong and what to do. */
  reason: string;
  /** JSON pointer to the field at fault. */
  pointer?: string;
}

/** There is no such thing. */
export function notFound(reason: string, pointer?: string): Refusal {
  return { ok: false, code: "not_found", reason, ...(pointer && { pointer }) };
}

/** It doesn't fit what is there. */
export function conflict(reason: string, pointer?: string): Refusal {
  return { ok: false, code: "conflict", reason, ...(pointer && { pointer }) };
}

/** A field says what it may not. */
export function invalid(reason: string, pointer: string): Refusal {
  return { ok: false, code: "invalid", reason, pointer };
}
