import { assert } from "@std/assert";
import { fuzzOpening } from "../fuzz/opening.ts";
import { fuzzReading } from "../fuzz/reading.ts";

// 100,000 with those of tests/messages/fuzz_test.ts; `deno task fuzz` runs as many as one likes.

Deno.test("96,700 messages, hostile and honest, are read: none throws, takes long or leaves an order unanswered", () => {
  const { seen } = fuzzReading(96_700);
  // The generators are worth something only if they reach every kind of reading.
  for (const type of ["order", "invalid_order", "cancel", "bot", "twin", "chat"]) {
    assert((seen[type] ?? 0) > 100, `${type}: ${seen[type]}`);
  }
});

Deno.test("3,000 events, changed at any layer, are opened or refused: none throws, none passes for another's", async () => {
  const outcomes = await fuzzOpening(3_000);
  for (
    const outcome of [
      "nip04 opened",
      "nip17 opened",
      "can't be decrypted",
      "the gift wrap can't be decrypted",
      "the seal can't be decrypted",
      "the rumor is malformed",
    ]
  ) assert((outcomes[outcome] ?? 0) > 3, `${outcome}: ${outcomes[outcome]}`);
});
