/** Reads JSON with every number as the text that it was written as: no price passes through a float. */

/** What `JSON` can do in this runtime and TypeScript doesn't know yet (ECMAScript: JSON.parse source text access). */
const exactJson = JSON as unknown as {
  parse(
    text: string,
    reviver: (name: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
};

/** The value with numbers as their texts: `{"a": 1.10}` gives `{ a: "1.10" }`. Undefined when it is no JSON, or nested without end. */
export function parseExactJson(text: string): unknown {
  try {
    return exactJson.parse(
      text,
      (_, value, { source }) => typeof value === "number" ? source ?? String(value) : value,
    );
  } catch (error) {
    // A reviver is called level by level: who nests deeper than the stack gets no answer either.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What stands at a path of own properties (an array's by their number); undefined where it ends. */
export function valueAt(value: unknown, ...path: (string | number)[]): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, step)) return undefined;
    found = (found as Record<string | number, unknown>)[step];
  }
  return found;
}
