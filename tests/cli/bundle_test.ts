import { assert, assertEquals } from "@std/assert";
import { deno, SingleFile, wordsOf } from "./single_file.ts";

/** The least that a shop on this machine alone needs. */
const LEAST = [
  "--no-prompt",
  "--allow-net=127.0.0.1",
  "--allow-read=./data",
  "--allow-write=./data",
  "--allow-env=NCC_*,NO_COLOR",
  "--ignore-env",
  "--deny-import",
];

Deno.test("`deno task bundle` makes one file that sells, offline, with the least permissions and no package around", async () => {
  const dir = await Deno.makeTempDir({ prefix: "ncc-bundle-" });
  try {
    await deno([...wordsOf("bundle", `${dir}/ncc.js`), "--quiet"]);
    const { size } = await Deno.stat(`${dir}/ncc.js`);
    assert(size < 6_000_000, `${size} bytes`);
    await using shop = new SingleFile(`${dir}/ncc.js`, LEAST, dir);
    assertEquals(await shop.sell(), "paid");
    assertEquals(await shop.end(), 0);
    assert(!shop.log.includes("canary"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
