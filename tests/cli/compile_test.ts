import { assert, assertEquals } from "@std/assert";
import { extract, flagsOf, readPayload } from "../support/compiled_payload.ts";
import { deno, SingleFile, wordsOf } from "./single_file.ts";

/**
 * `deno compile` puts the program behind a runtime of its own (denort), which comes from Deno's release server. Here the
 * deno that runs the test stands in for it, so that everything but that runtime is real: the payload is what users get. It
 * is taken out again and run with exactly the permissions that were baked in.
 */
Deno.test("`deno task compile` bakes in a program that sells offline, and no permission more than it needs", async () => {
  const dir = await Deno.makeTempDir({ prefix: "ncc-compile-" });
  try {
    const [compile, ...words] = wordsOf("compile", `${dir}/ncc`);
    await deno([compile!, "--no-check", ...words], { DENORT_BIN: Deno.execPath() });
    const payload = readPayload(await Deno.readFile(`${dir}/ncc`));
    const { allow_import: _, ...permissions } = payload.permissions;
    assertEquals(permissions, {
      allow_net: [],
      allow_read: [],
      allow_write: [],
      allow_env: ["NCC_*", "NO_COLOR"],
      ignore_env: [],
      deny_import: [],
    });
    assertEquals(payload.prompt, false);
    assertEquals(payload.files.size, 1);

    const entry = await extract(payload, dir);
    await using shop = new SingleFile(entry, flagsOf(payload), dir);
    assertEquals(await shop.sell(), "paid");
    assertEquals(await shop.end(), 0);
    assert(!shop.log.includes("canary"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
