/*
 * Given to `deno test --preload`: every test has a deadline, so that one that hangs is a failure with a name and not a run without an end.
 */
const DEADLINE_MS = 5 * 60_000;

const register = Deno.test as (definition: Deno.TestDefinition) => void;

function withDeadline(...args: unknown[]): void {
  const parts = args.map((arg) =>
    typeof arg === "string" ? { name: arg } : typeof arg === "function" ? { fn: arg, name: arg.name } : arg
  ) as Partial<Deno.TestDefinition>[];
  // The first name is the test's; that of its function is only a way out.
  register(Object.assign({ timeout: DEADLINE_MS }, ...parts.reverse()) as Deno.TestDefinition);
}

Object.assign(Deno, { test: Object.assign(withDeadline, Deno.test) });
