/** Where a command writes. Data goes to `out`, everything said beside it to `err`. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** A person is reading. */
  readonly interactive: boolean;
}

/** How a command ends (sysexits.h where it has a number). `unavailable`: try again later; `config`: a restart won't help. */
export const exit = { ok: 0, failed: 1, usage: 2, unavailable: 69, io: 74, config: 78 } as const;

/** A command's failure that is told as it stands, without a stack. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  constructor(message: string, readonly code: number = exit.failed) {
    super(message);
  }
}

/** Rows under headings, columns as wide as they need to be. Foreign text can't move the cursor. */
export function table(headings: string[], rows: string[][]): string {
  const cells = [headings, ...rows.map((row) => row.map(printable))];
  const widths = headings.map((_, i) => Math.max(...cells.map((row) => [...(row[i] ?? "")].length)));
  return cells.map((row) =>
    row.map((cell, i) => cell + " ".repeat(widths[i]! - [...cell].length)).join("  ").trimEnd()
  ).join("\n");
}

/** What would move a terminal's cursor or turn its text around: control characters and direction marks. */
// deno-lint-ignore no-control-regex -- control characters are what it looks for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Text without control characters or direction overrides, on one line. */
export function printable(text: string): string {
  return text.replace(UNSAFE, " ");
}

/** The same for text of several lines. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/** JSON for a terminal or a pipe: what `JSON.stringify` lets through and a terminal would obey is escaped. */
export function printableJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, (_, one) => typeof one === "bigint" ? one.toString() : one, indent);
  return printableLinesEscaped(text);
}

function printableLinesEscaped(json: string): string {
  return json.replace(UNSAFE, (c) => c === "\n" ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
