/** Parsed JSON, or why it wasn't parsed. */
export type ParseResult = { ok: true; value: unknown } | { ok: false; reason: string };

/** Parses foreign JSON of limited length and depth. It looks at the depth first: the parser itself goes as deep as it is led. */
export function parseBounded(text: string, limits: { chars: number; depth: number }): ParseResult {
  if (text.length > limits.chars) return { ok: false, reason: "JSON too long" };
  if (depthExceeds(text, limits.depth)) return { ok: false, reason: "JSON nested too deeply" };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    // The parser's message quotes the text, which may be somebody's address.
    return { ok: false, reason: "not JSON" };
  }
}

/** Whether JSON is nested deeper than `most`. Counts open brackets outside of strings; right for valid JSON, and what is invalid fails to parse anyway. */
export function depthExceeds(text: string, most: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (quoted) {
      if (char === "\\") i++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "[" || char === "{") {
      if (++depth > most) return true;
    } else if (char === "]" || char === "}") depth--;
  }
  return false;
}
