/** A terminal's input, as far as a secret needs it. */
export interface RawInput {
  setRaw(raw: boolean): void;
  /** Bytes that were typed; null at the end of the input. */
  readSync(buffer: Uint8Array): number | null;
}

const ENTER = new Set([10, 13]);
const ERASE = new Set([8, 127]);
const INTERRUPT = 3;
const END = 4;
const ERASE_LINE = 21;

/** Reads a line without showing it. Null when it is broken off (Ctrl-C, or the end of the input). */
export function readSecret(input: RawInput, say: (text: string) => void, question: string): string | null {
  say(`${question} `);
  input.setRaw(true);
  try {
    const typed: number[] = [];
    const one = new Uint8Array(1);
    while (input.readSync(one) === 1) {
      const byte = one[0]!;
      if (ENTER.has(byte)) return new TextDecoder().decode(Uint8Array.from(typed));
      if (byte === INTERRUPT || byte === END) return null;
      if (ERASE.has(byte)) eraseLast(typed);
      else if (byte === ERASE_LINE) typed.length = 0;
      else if (byte >= 32) typed.push(byte);
    }
    return null;
  } finally {
    input.setRaw(false);
    say("\n");
  }
}

/** A character of UTF-8 is one to four bytes. */
function eraseLast(typed: number[]): void {
  while (typed.length > 0 && (typed.pop()! & 0xc0) === 0x80);
}
