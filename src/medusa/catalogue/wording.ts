/** What a catalogue's fields refuse: control characters but line breaks and tabs. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

/** A text that a catalogue takes: whole characters, none that control a screen. */
export function clean(text: string): string {
  return text.toWellFormed().replaceAll(/\r\n?/g, "\n").replace(CONTROL, " ").trim();
}

/** The same in one line. */
export function singleLine(text: string): string {
  return clean(text).replace(/\s+/g, " ").trim();
}

/** A text of at most `most` characters (UTF-16 units), at a word's end where there is one; what is left out shows as "…". */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const room = text.slice(0, most - 1);
  const word = room.search(/\s\S*$/);
  const kept = word > most / 2 ? room.slice(0, word) : room;
  // Half a character at the end is none.
  return `${kept.replace(/[\ud800-\udbff]$/, "").trimEnd()}…`;
}
