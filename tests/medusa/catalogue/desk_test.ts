import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { zonesOf } from "../../../src/catalog/resources.ts";
import { selectStall } from "../../../src/catalog/stalls_store.ts";
import type { Tx } from "../../../src/db/database.ts";
import { leaveOut, leaveZoneOut, takeSides } from "../../../src/medusa/catalogue/catalogue_desk.ts";
import { sweepJob } from "../../../src/medusa/catalogue/sweep.ts";
import { onEachDatabase } from "../../support/databases.ts";
import { freshDatabase } from "../../support/fresh_database.ts";
import { Shop } from "../../catalog/shop.ts";
import { Scene } from "./scene.ts";

const cup = { id: "prod_cup", title: "Cup", description: "of clay", variants: [{ id: "v_cup" }] };
const shirt = {
  id: "prod_shirt",
  title: "Shirt",
  variants: [{ id: "v_s", title: "S" }, { id: "v_m", title: "M" }],
};

type Done = { ok: true } | { ok: false; code: string; reason: string };

class Desk {
  constructor(readonly scene: Scene) {}

  leave(id: string, leftOut = true): Promise<Done> {
    return this.#do((tx) => leaveOut(tx, this.#at(id), leftOut));
  }

  leaveZone(id: string, leftOut = true): Promise<Done> {
    return this.#do((tx) => leaveZoneOut(tx, { ...this.#at(id), random: this.scene.shop.random }, leftOut));
  }

  take(id: string, take: Parameters<typeof takeSides>[2]): Promise<Done> {
    return this.#do((tx) => takeSides(tx, this.#at(id), take));
  }

  #at(id: string) {
    return { merchant: this.scene.merchant, id, now: this.scene.clock.now() };
  }

  #do(work: (tx: Tx) => Promise<Done>): Promise<Done> {
    return this.scene.database.transaction(work);
  }
}

async function shopWith(scene: Scene): Promise<Desk> {
  scene.medusa.put(cup, shirt);
  await scene.sweep();
  return new Desk(scene);
}

onEachDatabase("a product that is left out stays out until it is taken again", async (database) => {
  const scene = await Scene.open(database);
  const desk = await shopWith(scene);
  assert((await desk.leave("v_cup")).ok);
  assertEquals(await scene.product("v_cup"), undefined);
  scene.medusa.put({ ...cup, title: "Mug" });
  const { sweep, products } = await scene.sweep();
  assertEquals([sweep!.left_out, products, await scene.product("v_cup")], [1, 3, undefined]);
  assertEquals((await scene.known("v_cup"))!.title, "Mug");
  assert((await desk.leave("v_cup", false)).ok);
  const waiting = await database.kysely.selectFrom("jobs").select("key").where("kind", "=", "medusa.product")
    .execute();
  assertEquals(waiting.map(({ key }) => key), [`${scene.merchant}:prod_cup`]);
  await scene.hint("prod_cup");
  assertEquals((await scene.product("v_cup"))!.name, "Mug");
  const unknown = await desk.leave("v_none");
  assert(!unknown.ok && unknown.code === "not_found");
});

onEachDatabase(
  "a family is left out with its variable product, also the variants that it gets later",
  async (database) => {
    const scene = await Scene.open(database);
    const desk = await shopWith(scene);
    assert((await desk.leave("v_s")).ok);
    assertEquals([await scene.product("v_s"), (await scene.product("v_m"))!.parent_id], [
      undefined,
      "prod_shirt",
    ]);
    assert((await desk.leave("prod_shirt")).ok);
    scene.medusa.put({ ...shirt, variants: [...shirt.variants, { id: "v_l", title: "L" }] });
    assertEquals((await scene.sweep()).products, 1);
    const later = (await scene.known("v_l"))!;
    assertEquals([later.left_out, later.trouble], [1, null]);
    const alone = await desk.leave("v_s", false);
    assert(!alone.ok);
    assertStringIncludes(alone.reason, "it is left out with the whole product prod_shirt");
    assert((await desk.leave("prod_shirt", false)).ok);
    await scene.hint("prod_shirt");
    for (const id of ["v_s", "v_m", "v_l"]) assertEquals((await scene.product(id))!.parent_id, "prod_shirt");
  },
);

onEachDatabase("a conflict ends with the side that the merchant takes", async (database) => {
  const scene = await Scene.open(database);
  const desk = await shopWith(scene);
  await scene.edit("v_cup", { name: "My cup", description: "mine" });
  scene.medusa.put({ ...cup, title: "Mug", description: "theirs" });
  await scene.sweep();
  const none = await desk.take("v_cup", { images: "ours" });
  assert(!none.ok && none.reason === "there is no conflict about its images");
  assert((await desk.take("v_cup", { name: "theirs" })).ok);
  assertEquals(JSON.parse((await scene.known("v_cup"))!.conflicts!).length, 1);
  assert((await desk.take("v_cup", { description: "ours" })).ok);
  assertEquals((await scene.known("v_cup"))!.conflicts, null);
  const { conflicts } = await scene.sweep();
  const now = (await scene.product("v_cup"))!;
  assertEquals([conflicts, now.name, now.description, now.quantity], [0, "Mug", "mine", 5]);
  // Medusa says something new of what was decided: then it is asked again.
  scene.medusa.put({ ...cup, title: "Mug", description: "theirs, and new" });
  assertEquals((await scene.sweep()).conflicts, 1);
  const gone = await desk.take("v_none", { name: "ours" });
  assert(!gone.ok && gone.code === "not_found");
});

onEachDatabase(
  "a zone that is left out is no zone of the stall, and none of the products'",
  async (database) => {
    const scene = await Scene.open(database);
    const desk = await shopWith(scene);
    assert((await desk.leaveZone("so_1-fr")).ok);
    const zones = async () =>
      zonesOf((await selectStall(database.kysely, scene.merchant, "sc_1-eur"))!).map(({ id }) => id);
    assertEquals(await zones(), ["so_1-de"]);
    assertEquals((await scene.product("v_cup"))!.shipping, []);
    // Also when Medusa makes its zones anew.
    scene.medusa.options.so_1 = 7;
    await scene.sweep();
    assertEquals(await zones(), ["so_1-de"]);
    const last = await desk.leaveZone("so_1-de");
    assert(!last.ok && last.code === "conflict");
    assertEquals(await zones(), ["so_1-de"]);
    assert((await desk.leaveZone("so_1-fr", false)).ok);
    await scene.sweep();
    assertEquals([await zones(), (await scene.product("v_cup"))!.shipping.length], [
      ["so_1-de", "so_1-fr"],
      1,
    ]);
    assert(!(await desk.leaveZone("so_none")).ok);
  },
);

Deno.test("a shop that moves to another key takes along what it knows of its Medusa", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  const desk = await shopWith(scene);
  await desk.leave("v_cup");
  const to = "bb".repeat(32);
  await Shop.open(database, to);
  const deps = { ...scene.deps, merchant: () => to };
  await sweepJob(deps).run(scene.job("medusa.sweep", {}));
  await sweepJob(deps).run(scene.job("medusa.sweep", { merchant: to }));
  const rows = await database.kysely.selectFrom("medusa_products").select(["merchant", "product_id"])
    .where("left_out", "=", 1).execute();
  assertEquals(rows.map((row) => [row.merchant, row.product_id]), [[to, "v_cup"]]);
  const [job] = await database.kysely.selectFrom("jobs").select("key").where("kind", "=", "medusa.sweep")
    .where("key", "=", to).execute();
  assertEquals(job!.key, to);
});
