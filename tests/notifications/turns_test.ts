import { assertEquals, assertRejects } from "@std/assert";
import { Turns } from "../../src/notifications/turns.ts";

Deno.test("inTurn() begins what has the same name one after another, also after one that failed, and other names at once", async () => {
  const turns = new Turns();
  const begun: string[] = [];
  const gates = ["a", "b", "c", "d"].map((name) => ({ name, ...Promise.withResolvers<string>() }));
  const [a, b, c, d] = gates.map(({ name, promise }) =>
    turns.inTurn(name === "d" ? "other" : "one", () => {
      begun.push(name);
      return promise;
    })
  );
  await Promise.resolve();
  assertEquals(begun, ["a", "d"]);
  gates[0]!.reject(new Error("no"));
  await assertRejects(() => a!, Error, "no");
  assertEquals(begun, ["a", "d", "b"]);
  gates[1]!.resolve("b");
  assertEquals(await b, "b");
  gates[2]!.resolve("c");
  gates[3]!.resolve("d");
  assertEquals([await c, await d], ["c", "d"]);
  assertEquals(await turns.inTurn("one", () => Promise.resolve("again")), "again");
});
