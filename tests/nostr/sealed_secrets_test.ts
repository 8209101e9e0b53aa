import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { SecretBox } from "../../src/nostr/sealed_secrets.ts";
import { systemRandom } from "../../src/random.ts";

const key = new Uint8Array(32).fill(7);
const box = new SecretBox(key, systemRandom);

Deno.test("SecretBox opens what it sealed for the same context, whatever the text", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.string(), (plain, context) => {
    assertEquals(new SecretBox(key, systemRandom).open(box.seal(plain, context), context), plain);
  }));
  assertEquals(box.open(box.seal("\ufeffx", "a"), "a"), "\ufeffx");
});

Deno.test("SecretBox hides the text and seals it differently each time", () => {
  const [one, two] = [box.seal("hunter2", "a"), box.seal("hunter2", "a")];
  assertNotEquals(one, two);
  assertMatch(one, /^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$/);
  assert(
    !one.includes("hunter2") &&
      !atob(one.split(".")[2]!.replaceAll("-", "+").replaceAll("_", "/")).includes("hunter2"),
  );
});

Deno.test("SecretBox refuses another context: a secret can't be moved to another merchant or purpose", () => {
  const sealed = box.seal("hunter2", "merchant-a:wallet");
  assertThrows(() => box.open(sealed, "merchant-b:wallet"), Error, "sealed for something else");
  assertThrows(() => box.open(sealed, ""), Error, "sealed for something else");
});

Deno.test("SecretBox refuses a sealed text with any character changed", () => {
  const sealed = box.seal("hunter2", "a");
  fc.assert(fc.property(fc.nat(sealed.length - 1), fc.constantFrom(..."Aaz09_-."), (at, char) => {
    const changed = sealed.slice(0, at) + char + sealed.slice(at + 1);
    if (changed !== sealed) assertThrows(() => box.open(changed, "a"));
  }));
  for (
    const text of ["", "v1", "v1..", "v2" + sealed.slice(2), sealed + "AAAA", sealed.slice(0, -4), "hunter2"]
  ) {
    assertThrows(() => box.open(text, "a"));
  }
});

Deno.test("SecretBox says when the master key is another one", () => {
  const other = new SecretBox(new Uint8Array(32).fill(8), systemRandom);
  assertThrows(() => other.open(box.seal("hunter2", "a"), "a"), Error, "another master key");
});

Deno.test("SecretBox shows neither the secret nor the key in errors or when printed", () => {
  const errors = [
    assertThrows(() => box.open("v1.hunter2.hunter2", "a")),
    assertThrows(() => box.open(box.seal("hunter2", "a"), "b")),
    assertThrows(() => box.open("hunter2", "a")),
    assertThrows(() => new SecretBox(new Uint8Array(31).fill(7), systemRandom)),
  ];
  const shown = errors.slice(1).map((e) => e.message).join() +
    Deno.inspect(box, { depth: 9, showHidden: true }) +
    JSON.stringify(box);
  assert(
    !shown.includes("hunter2") && !shown.includes("07".repeat(8)) && !shown.includes("7, 7, 7, 7"),
    shown,
  );
});

Deno.test("loadOrCreate() makes the master key once, for its owner only", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/master.key`;
  const boxes = await Promise.all(
    Array.from({ length: 5 }, () => SecretBox.loadOrCreate(path, systemRandom)),
  );
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  assertMatch(await Deno.readTextFile(path), /^[0-9a-f]{64}\n$/);
  const sealed = boxes[0]!.seal("hunter2", "a");
  for (const same of [...boxes, await SecretBox.loadOrCreate(path, systemRandom)]) {
    assertEquals(same.open(sealed, "a"), "hunter2");
  }
  await Deno.chmod(path, 0o644);
  await assertRejects(() => SecretBox.loadOrCreate(path, systemRandom), Error, `chmod 600 '${path}'`);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("loadOrCreate() refuses a file that holds no master key and leaves it alone", async () => {
  const dir = await Deno.makeTempDir();
  for (const text of ["", "ab", "hunter2".repeat(9) + "x"]) {
    await Deno.writeTextFile(`${dir}/master.key`, text, { mode: 0o600 });
    const error = await assertRejects(
      () => SecretBox.loadOrCreate(`${dir}/master.key`, systemRandom),
      Error,
      "holds no master key",
    );
    assert(!error.message.includes("hunter2"));
    assertEquals(await Deno.readTextFile(`${dir}/master.key`), text);
  }
  await Deno.remove(dir, { recursive: true });
});
