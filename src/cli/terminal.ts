/** Where a command writes. Data goes to `out`, everything said beside it to `err`. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** A person is reading: tables instead of JSON lines, colours allowed. */
  readonly interactive: boolean;
}

/** How a command ends (sysexits.h where it has a number). */
export const exit = { ok: 0, failed: 1, usage: 2, unavailable: 69, config: 78 } as const;

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
  return cells.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd()).join("\n");
}

/** Text without control characters or direction overrides, on one line. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what it looks for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, " ");
}
