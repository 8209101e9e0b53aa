import type { NostrEvent, NostrRelayOK, NPolicy } from "@nostrify/types";
import { accept, refuse } from "./verdict.ts";

/** Accepts events whose JSON has at most so many bytes (UTF-8). */
export class SizePolicy implements NPolicy {
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  call(event: NostrEvent): Promise<NostrRelayOK> {
    const text = JSON.stringify(event);
    if (!isLongerThan(text, this.#maxBytes)) return Promise.resolve(accept(event));
    return Promise.resolve(
      refuse(event, `invalid: the event is too big, at most ${this.#maxBytes} bytes are taken`),
    );
  }
}

/** Whether `text` has more than `bytes` bytes as UTF-8. Most texts are far from the limit and aren't encoded to know. */
export function isLongerThan(text: string, bytes: number): boolean {
  if (text.length > bytes) return true;
  if (text.length * 3 <= bytes) return false;
  return new TextEncoder().encode(text).length > bytes;
}
