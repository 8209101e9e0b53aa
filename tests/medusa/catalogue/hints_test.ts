import { assertEquals, assertRejects } from "@std/assert";
import { RetryLater } from "../../../src/jobs/runner.ts";
import { productJob, takeHint } from "../../../src/medusa/catalogue/hints.ts";
import { MedusaError } from "../../../src/medusa/medusa_error.ts";
import { sweepJob } from "../../../src/medusa/catalogue/sweep.ts";
import { onEachDatabase } from "../../support/databases.ts";
import { freshDatabase } from "../../support/fresh_database.ts";
import { startRunner } from "../../support/jobs.ts";
import { Scene } from "./scene.ts";

const cup = { id: "prod_cup", title: "Cup", variants: [{ id: "v_cup", quantity: 5 }] };
const pot = { id: "prod_pot", title: "Pot", variants: [{ id: "v_pot", quantity: 2 }] };

const jug = { id: "prod_jug", title: "Jug", variants: [{ id: "v_s" }, { id: "v_m" }] };

function pages(scene: Scene): number {
  return scene.medusa.asked.filter((one) => one === "GET /store/products").length;
}

onEachDatabase("a hint has one product read again: new, changed or gone", async (database) => {
  const scene = await Scene.open(database);
  scene.medusa.put(cup);
  await scene.sweep();
  scene.medusa.put(pot);
  await scene.hint("prod_pot");
  assertEquals((await scene.product("v_pot"))!.quantity, 2);
  scene.medusa.put({ ...cup, title: "Mug", variants: [{ id: "v_cup", quantity: 3 }] });
  await scene.hint("prod_cup");
  const mug = (await scene.product("v_cup"))!;
  assertEquals([mug.name, mug.quantity], ["Mug", 3]);
  scene.medusa.products.delete("prod_cup");
  await scene.hint("prod_cup");
  assertEquals([await scene.product("v_cup"), await scene.known("v_cup")], [undefined, undefined]);
  await scene.hint("prod_unknown");
  // What a hint has read the next sweep finds as it is.
  assertEquals((await scene.sweep()).sweep!.unchanged, 1);
});

Deno.test("before the first sweep a hint has nothing to bring up to date", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  scene.medusa.put(cup);
  await scene.hint("prod_cup");
  assertEquals([await scene.product("v_cup"), pages(scene)], [undefined, 0]);
});

onEachDatabase(
  "what a sweep had asked for before a hint's answer changes nothing of it",
  async (database) => {
    const scene = await Scene.open(database);
    scene.medusa.put(cup, pot, jug);
    await scene.sweep();
    // Medusa answers the sweep with what is old by the time it is taken.
    scene.medusa.put({ ...cup, title: "Old cup", variants: [{ id: "v_cup", quantity: 4 }] });
    let hinted = false;
    scene.medusa.before = async ({ path, query }) => {
      if (
        hinted || path !== "/store/products" || query?.fields !== "id,variants.id,variants.calculated_price"
      ) return;
      hinted = true;
      scene.medusa.put({ ...cup, title: "New cup", variants: [{ id: "v_cup", quantity: 3 }] });
      scene.medusa.put({ ...pot, variants: [{ id: "v_pot", quantity: 9 }] });
      scene.medusa.put({ ...jug, variants: [...jug.variants, { id: "v_big" }] });
      for (const product of ["prod_cup", "prod_pot", "prod_jug"]) await scene.hint(product);
    };
    await scene.sweep();
    const now = (await scene.product("v_cup"))!;
    assertEquals([now.name, now.quantity], ["New cup", 3]);
    // Where nothing but the count is new, and where a variant is.
    assertEquals((await scene.product("v_pot"))!.quantity, 9);
    assertEquals((await scene.product("v_big"))!.parent_id, "prod_jug");
    assertEquals((await scene.sweep()).sweep!.unchanged, 6);
  },
);

Deno.test("many hints of one product are one reading, and a great many products are a sweep", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  const { clock, merchant, deps } = scene;
  scene.medusa.put(cup, pot);
  await scene.sweep();
  await database.kysely.deleteFrom("jobs").execute();
  await using jobs = await startRunner(database, clock, {
    "medusa.sweep": sweepJob(deps),
    "medusa.product": productJob(deps),
  });
  const hint = (changed: string[] | "everything") =>
    database.transaction((tx) => takeHint(tx, { merchant, changed, now: clock.now() }));
  scene.medusa.asked = [];
  for (let i = 0; i < 5; i++) await hint(["prod_cup", "prod_cup"]);
  await clock.advance(1_000);
  await jobs.settled();
  // One for each group of countries.
  assertEquals(pages(scene), 2);
  await hint(Array.from({ length: 51 }, (_, i) => `prod_${i}`));
  await hint("everything");
  const waiting = await database.kysely.selectFrom("jobs").select("kind").execute();
  assertEquals([...new Set(waiting.map(({ kind }) => kind))], ["medusa.sweep"]);
  await clock.advance(5_000);
  await jobs.settled();
  assertEquals(scene.medusa.asked.filter((one) => one === "GET /admin/stores").length, 1);
});

Deno.test("a hint waits for a Medusa that is away, and leaves what it can't read to the sweep", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  scene.medusa.put(cup);
  await scene.sweep();
  scene.medusa.before = () => {
    throw new MedusaError("busy", "later");
  };
  await assertRejects(() => scene.hint("prod_cup"), RetryLater);
  scene.medusa.before = () => {
    throw new MedusaError("bad_answer", "what is this");
  };
  await scene.hint("prod_cup");
  assertEquals((await scene.product("v_cup"))!.quantity, 5);
});
