import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Gate, type Priority } from "../../src/medusa/gate.ts";

type Step = { come: Priority } | { leave: number } | { giveUp: number };

const steps = fc.array(fc.oneof(
  { weight: 4, arbitrary: fc.record({ come: fc.constantFrom<Priority>("order", "catalogue") }) },
  { weight: 3, arbitrary: fc.record({ leave: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ giveUp: fc.nat(20) }) },
));

Deno.test("as many as may are inside, orders go first, each in its turn, and nobody is forgotten", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3 }), steps, async (most, steps: Step[]) => {
      const gate = new Gate(most);
      const inside: { name: string; end(): void }[] = [];
      const waiting: { name: string; priority: Priority; enough: AbortController }[] = [];
      const entered: string[] = [];
      const expected: string[] = [];
      let names = 0;
      const next = () => waiting.find(({ priority }) => priority === "order") ?? waiting[0];
      const enters = () => {
        const one = next();
        if (!one) return;
        waiting.splice(waiting.indexOf(one), 1);
        expected.push(one.name);
      };
      for (const step of steps) {
        if ("come" in step) {
          const name = String(names++);
          const enough = new AbortController();
          const work = () =>
            new Promise<void>((resolve) => {
              entered.push(name);
              inside.push({ name, end: resolve });
            });
          gate.run(step.come, enough.signal, work).catch((error) =>
            assertEquals(error, enough.signal.reason)
          );
          waiting.push({ name, priority: step.come, enough });
          if (inside.length < most) enters();
        } else if ("leave" in step && inside.length > 0) {
          inside.splice(step.leave % inside.length, 1)[0]!.end();
          enters();
        } else if ("giveUp" in step && waiting.length > 0) {
          waiting.splice(step.giveUp % waiting.length, 1)[0]!.enough.abort();
        }
        await turns();
        assertEquals(entered, expected);
        assert(inside.length <= most);
        assertEquals(gate.waiting, waiting.length);
      }
      while (inside.length > 0) {
        inside.shift()!.end();
        enters();
        await turns();
      }
      assertEquals([entered, waiting.length], [expected, 0]);
    }),
    { numRuns: 50 },
  );
});

Deno.test("work that fails leaves, too", async () => {
  const gate = new Gate(1);
  const { signal } = new AbortController();
  const failed = gate.run("order", signal, () => Promise.reject(new Error("no"))).catch((error) =>
    error.message
  );
  assertEquals([await failed, await gate.run("order", signal, () => Promise.resolve("in"))], ["no", "in"]);
});

/** Lets promises run. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
