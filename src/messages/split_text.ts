const utf8 = new TextEncoder();

/**
 * Cuts a text into parts of at most `mostBytes` in UTF-8 (at least 4): between lines where it can, otherwise between
 * characters.
 */
export function splitText(text: string, mostBytes: number): string[] {
  const parts: string[] = [];
  let part: string | null = null;
  for (const line of text.split("\n")) {
    const longer: string = part === null ? line : `${part}\n${line}`;
    if (size(longer) <= mostBytes) {
      part = longer;
      continue;
    }
    if (part !== null) parts.push(part);
    const pieces = splitLine(line, mostBytes);
    parts.push(...pieces.slice(0, -1));
    part = pieces.at(-1)!;
  }
  return part === null ? parts : [...parts, part];
}

function splitLine(line: string, mostBytes: number): string[] {
  const pieces: string[] = [];
  let piece = "";
  let bytes = 0;
  for (const character of line) {
    const more = size(character);
    if (bytes + more > mostBytes) {
      pieces.push(piece);
      piece = "";
      bytes = 0;
    }
    piece += character;
    bytes += more;
  }
  return [...pieces, piece];
}

function size(text: string): number {
  return utf8.encode(text).length;
}
