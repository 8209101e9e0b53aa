import { assert } from "@std/assert";
import { fuzzDeciding } from "../fuzz/deciding.ts";

// More of them are read and opened in tests/dialects/fuzz_test.ts.

Deno.test("300 messages through a whole shop: each ends, each question is answered, the bounds hold", async () => {
  const { messages, answers } = await fuzzDeciding(300);
  assert(messages === 300 && answers > 60, `${answers} answers to ${messages} messages`);
});
