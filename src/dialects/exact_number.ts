/** A JSON number as it was written: as a number of ours `12345678901234567890` would lose digits and `7.0` its form. */
export class ExactNumber {
  constructor(readonly text: string) {}
}

/** What `JSON` can do in this runtime and TypeScript doesn't know yet (ECMAScript: JSON.parse source text access). */
const exactJson = JSON as unknown as {
  rawJSON(text: string): unknown;
  parse(
    text: string,
    reviver: (this: object, name: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
};

/** A value that `JSON.stringify` writes as this number, digit by digit. The text is a JSON number, or this throws. */
export function asWritten(number: string): unknown {
  return exactJson.rawJSON(number);
}

/** The same object with its own member `key` as it was written, if that is a number. `text` is what the object was parsed from. */
export function withExact<T extends object>(object: T, key: string, text: string): T {
  const value = Object.getOwnPropertyDescriptor(object, key)?.value;
  if (typeof value !== "number") return object;
  const written = new WeakMap<object, string>();
  const outermost = exactJson.parse(text, function (name, revived, { source }) {
    if (name === key && typeof revived === "number" && source !== undefined) written.set(this, source);
    return revived;
  });
  return { ...object, [key]: new ExactNumber(written.get(outermost as object) ?? String(value)) };
}
