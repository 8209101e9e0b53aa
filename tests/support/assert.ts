/**
 * The part of `@std/assert` that the tests use, over `node:assert/strict`: the package itself isn't published on npm.
 * The names are the same, so that the real one drops in by one line of the import map.
 */
import assertStrict from "node:assert/strict";

export function assert(value: unknown, message?: string): asserts value {
  assertStrict.ok(value, message ?? `expected a truthy value, got ${String(value)}`);
}

export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  assertStrict.deepStrictEqual(actual, expected, message);
}

export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  assertStrict.notDeepStrictEqual(actual, expected, message);
}

export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T {
  assertStrict.strictEqual(actual, expected, message);
}

export function assertExists<T>(value: T, message?: string): asserts value is NonNullable<T> {
  assertStrict.ok(
    value !== null && value !== undefined,
    message ?? "expected a value, got null or undefined",
  );
}

export function assertMatch(actual: string, pattern: RegExp, message?: string): void {
  assertStrict.match(actual, pattern, message);
}

export function assertStringIncludes(actual: string, part: string, message?: string): void {
  assertStrict.ok(
    actual.includes(part),
    message ?? `expected ${JSON.stringify(actual)} to include ${JSON.stringify(part)}`,
  );
}

export function assertThrows(
  fn: () => unknown,
  error?: new (...args: never[]) => Error,
  part?: string,
): Error {
  let thrown: unknown;
  try {
    fn();
  } catch (e) {
    thrown = e;
  }
  return checked(thrown, error, part);
}

export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  error?: new (...args: never[]) => Error,
  part?: string,
): Promise<Error> {
  let thrown: unknown;
  try {
    await fn();
  } catch (e) {
    thrown = e;
  }
  return checked(thrown, error, part);
}

export function fail(message = "failed"): never {
  assertStrict.fail(message);
}

function checked(thrown: unknown, error?: new (...args: never[]) => Error, part?: string): Error {
  assert(thrown instanceof (error ?? Error), `expected ${error?.name ?? "an Error"}, got ${String(thrown)}`);
  if (part !== undefined) assertStringIncludes(thrown.message, part);
  return thrown;
}
