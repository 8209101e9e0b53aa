import { assertEquals } from "@std/assert";
import { readSecret } from "../../src/cli/secret_prompt.ts";

function typed(text: string) {
  const bytes = [...new TextEncoder().encode(text)];
  const raw: boolean[] = [];
  const said: string[] = [];
  const input = {
    setRaw: (on: boolean) => void raw.push(on),
    readSync(buffer: Uint8Array) {
      const next = bytes.shift();
      if (next === undefined) return null;
      buffer[0] = next;
      return 1;
    },
  };
  const secret = readSecret(input, (one) => void said.push(one), "Passphrase:");
  return { secret, raw, said: said.join("") };
}

Deno.test("a secret is read up to Enter and never shown", () => {
  assertEquals(typed("geheim ßecret\rrest"), {
    secret: "geheim ßecret",
    raw: [true, false],
    said: "Passphrase: \n",
  });
  assertEquals(typed("\n").secret, "");
});

Deno.test("Backspace takes a character, Ctrl-U the line, Ctrl-C and the end of input break off", () => {
  assertEquals(typed("abc\u007f\u007fd\r").secret, "ad");
  assertEquals(typed("aß\u0008\r").secret, "a");
  assertEquals(typed("\u007f\u007fa\r").secret, "a");
  assertEquals(typed("abc\u0015d\r").secret, "d");
  for (const text of ["ab\u0003", "ab\u0004", "ab"]) {
    const { secret, raw } = typed(text);
    assertEquals([secret, raw], [null, [true, false]]);
  }
});
