import { assertEquals, assertStringIncludes } from "@std/assert";
import { openSqlite } from "../../src/db/sqlite.ts";
import { Scene } from "../medusa/catalogue/scene.ts";
import { ncc, place } from "./cli.ts";

Deno.test("what comes from Medusa is looked at, left out and decided from the command line", async () => {
  await using p = await place({ NCC_MEDUSA_URL: "http://127.0.0.1:9", NCC_MEDUSA_KEY: "sk_0123456789" });
  const run = (...args: string[]) => ncc(["medusa", ...args], { environment: p.environment });
  assertEquals((await ncc(["init", "--yes", "--name", "Tea house"], { environment: p.environment })).code, 0);
  assertStringIncludes((await run("status")).out, "swept     not yet");
  assertEquals((await run("products")).out, "No products.");
  assertEquals((await run("zones")).out, "No zones.");
  await fill(`${p.data}/ncc.db`);

  const status = (await run("status")).out;
  for (const part of ["stall     sc_1-eur (EUR)", "products  1, 1 changed on both sides", "2 seen"]) {
    assertStringIncludes(status, part);
  }
  const products = (await run("products")).out;
  for (const part of ["v_cup", "conflict", "name: My cup | Mug", "v_free", "trouble"]) {
    assertStringIncludes(products, part);
  }
  assertEquals((await run("products", "--state", "left-out")).out, "No products.");
  assertStringIncludes((await run("zones")).out, "so_1-fr  Parcel so_1: FR  6");
  assertEquals((await run("take", "v_cup", "name", "mine")).code, 2);
  assertEquals((await run("take", "v_cup", "name", "theirs")).out, "The name of Mug is theirs now.");
  assertEquals((await run("leave-out", "v_cup")).out, "Product v_cup is left out.");
  assertStringIncludes((await run("products", "--state", "left-out")).out, "v_cup");
  assertEquals((await run("leave-out", "v_cup", "--undo")).out, "Product v_cup is taken again.");
  assertEquals((await run("leave-out", "so_1-fr", "--zone")).out, "Zone so_1-fr is left out.");
  assertStringIncludes((await run("leave-out", "so_1-de", "--zone")).err, "it is the last zone");
  assertEquals((await run("sweep")).out, "It is read when ncc starts.");
  assertStringIncludes((await run("let-go")).err, "unset NCC_MEDUSA_URL first");
  const json = (await run("products", "--json")).json() as { id: string }[];
  assertEquals(json.map(({ id }) => id), ["v_cup", "v_free"]);
});

/** A sweep's work: one product that both sides changed, and one without a price. */
async function fill(path: string): Promise<void> {
  const database = openSqlite(path);
  try {
    const { pubkey } = await database.kysely.selectFrom("merchants").select("pubkey")
      .executeTakeFirstOrThrow();
    const scene = await Scene.open(database, pubkey);
    const cup = { id: "prod_cup", title: "Cup", variants: [{ id: "v_cup" }] };
    scene.medusa.put(cup, { id: "prod_free", title: "Free", variants: [{ id: "v_free", net: null }] });
    await scene.sweep();
    await scene.edit("v_cup", { name: "My cup" });
    scene.medusa.put({ ...cup, title: "Mug" });
    await scene.sweep();
  } finally {
    await database.close();
  }
}
