import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("./", import.meta.url));
/** What `lanes.ts` goes by when it leaves files out of the run on PostgreSQL. */
const KNOWN = ["lanes.ts", "lanes_test.ts", "support/lane.ts"];

Deno.test("which database a test gets is asked in one place, so that the run on PostgreSQL misses nobody who gets it", async () => {
  const found = (await textsThat((text) => text.includes("NCC_TEST_DATABASE"), "")).sort();
  assertEquals(found, KNOWN);
});

async function textsThat(fits: (text: string) => boolean, folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(ROOT + folder)) {
    if (isDirectory) found.push(...await textsThat(fits, `${folder}${name}/`));
    else if (name.endsWith(".ts") && fits(await Deno.readTextFile(ROOT + folder + name))) {
      found.push(folder + name);
    }
  }
  return found;
}
