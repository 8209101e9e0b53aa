import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { setImmediate } from "node:timers";
import { deleteProduct } from "../../../src/catalog/products.ts";
import { selectStall } from "../../../src/catalog/stalls_store.ts";
import { zonesOf } from "../../../src/catalog/resources.ts";
import type { Database, Tx } from "../../../src/db/database.ts";
import { RetryLater } from "../../../src/jobs/runner.ts";
import { MedusaError } from "../../../src/medusa/medusa_error.ts";
import { leaveZoneOut } from "../../../src/medusa/catalogue/catalogue_desk.ts";
import { NO_PRICE, NO_STOCK_LEVEL } from "../../../src/medusa/catalogue/mapping.ts";
import { sweepJob } from "../../../src/medusa/catalogue/sweep.ts";
import { sweepLater } from "../../../src/medusa/catalogue/sweep_queue.ts";
import { selectZones } from "../../../src/medusa/catalogue/zones_store.ts";
import { onEachDatabase } from "../../support/databases.ts";
import { freshDatabase } from "../../support/fresh_database.ts";
import { startRunner } from "../../support/jobs.ts";
import { memoryDatabase } from "../../support/database.ts";
import { Scene } from "./scene.ts";

const cup = {
  id: "prod_cup",
  title: "Cup",
  description: "of clay",
  variants: [{ id: "v_cup", quantity: 5 }],
};
const shirt = {
  id: "prod_shirt",
  title: "Shirt",
  variants: [{ id: "v_s", title: "S", net: 20, quantity: 1 }, {
    id: "v_m",
    title: "M",
    net: 21,
    quantity: 2,
  }],
};
const NOTHING = { made: 0, changed: 0, removed: 0, restocked: 0 };

onEachDatabase(
  "the first sweep makes the stall and the products, and the next one writes nothing of them",
  async (database) => {
    const scene = await Scene.open(database);
    scene.medusa.put(cup, shirt);
    const { sweep, ...report } = await scene.sweep();
    assertEquals(sweep, { ...sweep, ...NOTHING, seen: 2, made: 4, unchanged: 0, troubles: 0 });
    assertEquals([report.products, report.currency, report.problem], [4, "EUR", null]);
    const stall = (await selectStall(database.kysely, scene.merchant, "sc_1-eur"))!;
    assertEquals([stall.name, stall.currency, stall.kept_by], ["Crockery", "EUR", "medusa"]);
    assertEquals(zonesOf(stall), [
      { id: "so_1-de", name: "Parcel so_1: DE", cost: "5.95", regions: ["DE"] },
      { id: "so_1-fr", name: "Parcel so_1: FR", cost: "6", regions: ["FR"] },
    ]);
    const made = (await scene.product("v_cup"))!;
    assertEquals([made.name, made.price, made.quantity, made.type, made.stall_id], [
      "Cup",
      11.9,
      5,
      "simple",
      "sc_1-eur",
    ]);
    assertEquals(made.shipping, [{ id: "so_1-fr", cost: 0.1 }]);
    const small = (await scene.product("v_s"))!;
    assertEquals([small.type, small.parent_id, small.price, small.quantity], [
      "variation",
      "prod_shirt",
      23.8,
      1,
    ]);
    const wholeFamily = (await scene.product("prod_shirt"))!;
    assertEquals([wholeFamily.type, wholeFamily.price, wholeFamily.quantity], ["variable", 23.8, null]);
    assertEquals(await scene.publications(), [
      "30017:sc_1-eur",
      "30018:prod_shirt",
      "30018:v_cup",
      "30018:v_m",
      "30018:v_s",
    ]);

    const before = await database.kysely.selectFrom("products").selectAll().orderBy("id").execute();
    const again = await scene.sweep();
    assertEquals(again.sweep, { ...again.sweep!, ...NOTHING, seen: 2, unchanged: 4 });
    assertEquals(await database.kysely.selectFrom("products").selectAll().orderBy("id").execute(), before);
    assertEquals(await scene.publications(), []);
  },
);

Deno.test("a sweep without news costs one write for all, and learns no shipping costs anew", async () => {
  await using database = await memoryDatabase();
  const scene = await Scene.open(database);
  scene.medusa.fill(250);
  await scene.sweep();
  scene.medusa.asked = [];
  const before = await scene.writes();
  await scene.sweep();
  const rows = await scene.writes() - before;
  // The number of each product, and a handful of rows for the bridge and its job.
  assert(rows >= 250 && rows < 265, `${rows} rows were written`);
  assertEquals(scene.medusa.asked.filter((one) => one === "GET /store/products").length, 4);
  assertEquals(scene.medusa.asked.filter((one) => one.startsWith("POST")), []);
});

onEachDatabase("what changes in Medusa changes here, and nothing else is published", async (database) => {
  const scene = await Scene.open(database);
  scene.medusa.put(cup, shirt);
  await scene.sweep();
  await scene.publications();
  scene.medusa.put({ ...cup, title: "Big cup", variants: [{ id: "v_cup", net: 30, quantity: 5 }] });
  scene.medusa.put({ ...shirt, variants: [shirt.variants[0]!, { ...shirt.variants[1]!, quantity: 7 }] });
  const { sweep } = await scene.sweep();
  assertEquals(sweep, { ...sweep!, made: 0, changed: 1, restocked: 1, unchanged: 3, removed: 0 });
  const changed = (await scene.product("v_cup"))!;
  assertEquals([changed.name, changed.price, changed.quantity], ["Big cup", 35.7, 5]);
  assertEquals((await scene.product("v_m"))!.quantity, 7);
  assertEquals(await scene.publications(), ["30018:v_cup", "30018:v_m"]);
});

onEachDatabase(
  "what Medusa doesn't show any more goes, with its family, and comes back with it",
  async (database) => {
    const scene = await Scene.open(database);
    scene.medusa.put(cup, shirt);
    await scene.sweep();
    scene.medusa.products.delete(shirt.id);
    const { sweep } = await scene.sweep();
    assertEquals([sweep!.removed, sweep!.unchanged], [3, 1]);
    for (const id of ["prod_shirt", "v_s", "v_m"]) assertEquals(await scene.product(id), undefined);
    assertEquals(await scene.known("v_s"), undefined);
    scene.medusa.put(shirt);
    assertEquals((await scene.sweep()).sweep!.made, 3);
    assertEquals((await scene.product("v_s"))!.quantity, 1);
  },
);

onEachDatabase("a family that changes keeps the variants that it still has", async (database) => {
  const scene = await Scene.open(database);
  scene.medusa.put(shirt);
  await scene.sweep();
  // To one variant, to none that can be sold, and to two again.
  scene.medusa.put({ ...shirt, variants: [shirt.variants[0]!] });
  await scene.sweep();
  const alone = (await scene.product("v_s"))!;
  assertEquals([alone.type, alone.parent_id, alone.name], ["simple", null, "Shirt"]);
  assertEquals([await scene.product("prod_shirt"), await scene.product("v_m")], [undefined, undefined]);
  scene.medusa.put({ ...shirt, variants: shirt.variants.map((variant) => ({ ...variant, net: null })) });
  const { sweep, without_price } = await scene.sweep();
  assertEquals([sweep!.removed, sweep!.troubles, without_price], [1, 3, 2]);
  assertEquals((await scene.known("v_s"))!.trouble, NO_PRICE);
  scene.medusa.put(shirt);
  assertEquals((await scene.sweep()).sweep!.made, 3);
  assertEquals((await scene.product("v_s"))!.parent_id, "prod_shirt");
});

onEachDatabase("what the merchant changes here stays, until Medusa changes the same", async (database) => {
  const scene = await Scene.open(database);
  scene.medusa.put(cup);
  await scene.sweep();
  await scene.edit("v_cup", { name: "My cup", active: false });
  scene.medusa.put({ ...cup, description: "of fine clay", tags: ["clay"] });
  await scene.sweep();
  let now = (await scene.product("v_cup"))!;
  assertEquals([now.name, now.active, now.description, now.categories], ["My cup", false, "of fine clay", [
    "clay",
  ]]);
  assertEquals((await scene.known("v_cup"))!.conflicts, null);
  scene.medusa.put({ ...cup, title: "Mug" });
  const first = await scene.sweep();
  assertEquals([first.conflicts, first.sweep!.changed], [1, 1]);
  assertEquals(JSON.parse((await scene.known("v_cup"))!.conflicts!), [{
    field: "name",
    ours: "My cup",
    theirs: "Mug",
  }]);
  now = (await scene.product("v_cup"))!;
  assertEquals([now.name, now.description], ["My cup", "of clay"]);
  // As long as nobody decides, that is all.
  const second = await scene.sweep();
  assertEquals([second.conflicts, second.sweep!.changed, second.sweep!.unchanged], [1, 0, 1]);
  await scene.edit("v_cup", { name: "Mug" });
  assertEquals((await scene.sweep()).conflicts, 0);
});

onEachDatabase("stock that is off is set to Medusa's, also where nothing else changed", async (database) => {
  const scene = await Scene.open(database);
  scene.medusa.put(cup);
  await scene.sweep();
  await scene.miscount("v_cup", 9);
  const { sweep } = await scene.sweep();
  assertEquals([sweep!.restocked, (await scene.product("v_cup"))!.quantity], [1, 5]);
});

onEachDatabase(
  "what our orders have taken in Medusa counts there, and figures that move aren't taken",
  async (database) => {
    const scene = await Scene.open(database);
    scene.medusa.put(cup);
    await scene.sweep();
    const order = {
      merchant: scene.merchant,
      email: "",
      attempt: 1,
      content_hash: "",
      state: "placed" as const,
    };
    const at = scene.clock.now();
    await database.transaction(async (tx) => {
      const hold = { merchant: scene.merchant, product_id: "v_cup", quantity: 2, created_at: at };
      await tx.insertInto("holds").values({ ...hold, id: "h1", order_id: "o1", state: "held" }).execute();
      await tx.insertInto("medusa_orders").values({
        ...order,
        order_id: "o1",
        stock_at: at,
        created_at: at,
        updated_at: at,
      }).execute();
    });
    // Medusa holds two for that order.
    const { variants: [variant] } = cup;
    scene.medusa.put({ ...cup, variants: [{ ...variant!, quantity: 3 }] });
    assertEquals((await scene.sweep()).sweep!.restocked, 0);
    assertEquals((await scene.product("v_cup"))!.quantity, 5);
    // Now a call of ours changes Medusa's stock while the page is on its way.
    scene.medusa.before = async () => {
      const stock_at = scene.clock.now();
      await database.kysely.updateTable("medusa_orders").set({ stock_at, settled: 1 }).execute();
    };
    scene.medusa.put({ ...cup, variants: [{ ...variant!, quantity: 1 }] });
    assertEquals((await scene.sweep()).sweep!.restocked, 0);
    scene.medusa.before = () => {};
    assertEquals((await scene.sweep()).sweep!.restocked, 1);
    assertEquals((await scene.product("v_cup"))!.quantity, 1);
  },
);

Deno.test("prices that hold their tax are asked for once a region, and none of where nothing is sent", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  const pages = () => scene.medusa.asked.splice(0).filter((one) => one === "GET /store/products").length;
  const included = { id: "prod_cup", title: "Cup", variants: [{ id: "v_cup", net: 12, taxIncluded: true }] };
  scene.medusa.put(included);
  await scene.sweep();
  const cheap = (await scene.product("v_cup"))!;
  assertEquals([pages(), cheap.price, cheap.shipping], [1, 12, []]);
  scene.medusa.put({ ...included, variants: [...included.variants, { id: "v_other" }] });
  await scene.sweep();
  assertEquals(pages(), 2);
  const at = { merchant: scene.merchant, id: "so_1-fr", now: scene.clock.now(), random: scene.shop.random };
  await database.transaction((tx) => leaveZoneOut(tx, at, true));
  await scene.sweep();
  assertEquals(pages(), 1);
});

onEachDatabase(
  "what nobody has counted is told from what is sold out, until somebody has",
  async (database) => {
    const scene = await Scene.open(database);
    const one = (id: string, change: object) => ({
      id: `prod_${id}`,
      title: id,
      variants: [{ id: `v_${id}`, quantity: 0, ...change }],
    });
    scene.medusa.put(
      one("sold", {}),
      one("new", { uncounted: true }),
      one("free", { uncounted: true, manage: false }),
    );
    assertEquals((await scene.sweep()).without_stock_level, 1);
    assertEquals([(await scene.known("v_new"))!.trouble, (await scene.product("v_new"))!.quantity], [
      NO_STOCK_LEVEL,
      0,
    ]);
    assertEquals((await scene.known("v_sold"))!.trouble, null);
    scene.medusa.put(one("new", { quantity: 3 }));
    await scene.hint("prod_new");
    assertEquals([(await scene.known("v_new"))!.trouble, (await scene.product("v_new"))!.quantity], [
      null,
      3,
    ]);
    assertEquals((await scene.sweep()).without_stock_level, 0);
  },
);

Deno.test("where most of the catalogue is gone at once, it goes only when a second sweep says the same", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  scene.medusa.fill(40);
  await scene.sweep();
  const all = new Map(scene.medusa.products);
  for (const id of [...all.keys()].slice(5)) scene.medusa.products.delete(id);
  const first = await scene.sweep();
  assertEquals([first.sweep!.removed, first.sweep!.doubted, first.products], [0, 35, 40]);
  const second = await scene.sweep();
  assertEquals([second.sweep!.removed, second.sweep!.doubted, second.products], [35, 0, 5]);
  // Twenty may always go, and half of many, too.
  scene.medusa.products.clear();
  assertEquals((await scene.sweep()).sweep!.removed, 5);
  scene.medusa.put(...all.values());
  assertEquals((await scene.sweep()).sweep!.made, 40);
  for (const id of [...all.keys()].slice(20)) scene.medusa.products.delete(id);
  assertEquals((await scene.sweep()).sweep!.removed, 20);
});

Deno.test("a product that moves to another page while they are listed isn't taken for gone", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  scene.medusa.fill(1_002);
  await scene.sweep();
  // One of the first page goes after it was listed: the second one begins one product later.
  scene.medusa.before = ({ path, query }) => {
    if (path === "/admin/products" && query?.offset === 1_000) scene.medusa.products.delete("prod_00003");
  };
  const { sweep } = await scene.sweep();
  assertEquals([sweep!.removed, sweep!.doubted, sweep!.unchanged], [1, 0, 1_000]);
  assertEquals((await scene.sweep()).products, 1_001);
});

Deno.test("drafts and other channels' products aren't asked for, and what becomes one goes", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  scene.medusa.put({ ...cup, id: "prod_1" }, { ...cup, id: "prod_2", variants: [{ id: "variant_2" }] });
  assertEquals((await scene.sweep()).products, 2);
  scene.medusa.hide("prod_1");
  scene.medusa.asked = [];
  const { sweep, products } = await scene.sweep();
  assertEquals([sweep!.seen, sweep!.removed, products], [1, 1, 1]);
});

Deno.test("another shipping price, country or option is another zone, and the products follow", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  scene.medusa.put(cup);
  await scene.sweep();
  await scene.publications();
  scene.medusa.options = { so_1: 10, so_2: 20 };
  scene.medusa.taxes.nl = 21;
  const { sweep } = await scene.sweep();
  assertEquals(sweep!.changed, 1);
  const stall = (await selectStall(database.kysely, scene.merchant, "sc_1-eur"))!;
  assertEquals(zonesOf(stall).map(({ id, cost }) => `${id}=${cost}`), [
    "so_1-de=11.9",
    "so_1-fr=12",
    "so_1-nl=12.1",
    "so_2-de=23.8",
    "so_2-fr=24",
    "so_2-nl=24.2",
  ]);
  assertEquals((await scene.product("v_cup"))!.shipping.map(({ id, cost }) => `${id}=${cost}`), [
    "so_1-fr=0.1",
    "so_1-nl=0.2",
    "so_2-fr=0.1",
    "so_2-nl=0.2",
  ]);
  // One cart for the region, which goes round.
  assertEquals(scene.medusa.asked.filter((one) => one === "POST /store/carts").length, 2);
  scene.medusa.options = { so_2: 20 };
  await scene.sweep();
  assertEquals((await selectZones(database.kysely, scene.merchant)).map(({ zone_id }) => zone_id), [
    "so_2-de",
    "so_2-fr",
    "so_2-nl",
  ]);
  scene.medusa.options = {};
  const { problem } = await scene.sweep();
  assertStringIncludes(problem!, "no shipping option of Medusa's starts at");
  // What is there stays, and says so.
  assertEquals((await selectZones(database.kysely, scene.merchant)).length, 3);
  assertEquals(zonesOf((await selectStall(database.kysely, scene.merchant, "sc_1-eur"))!).length, 3);
});

Deno.test("where nothing can be sent anywhere nothing is offered, least of all for free", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  scene.medusa.put(cup);
  scene.medusa.before = ({ path }) => {
    if (path.endsWith("/shipping-methods")) throw new MedusaError("refused", "it is closed");
  };
  assertStringIncludes((await scene.sweep()).problem!, "nothing can be sent anywhere: Parcel so_1: DE");
  assertEquals(await selectStall(database.kysely, scene.merchant, "sc_1-eur"), undefined);
  scene.medusa.before = () => {};
  assertEquals((await scene.sweep()).problem, null);
  assertEquals((await scene.product("v_cup"))!.quantity, 5);
});

Deno.test("another channel or currency is another stall, and the old one goes", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  scene.medusa.put(cup, shirt);
  await scene.sweep();
  await database.kysely.updateTable("medusa_bridges").set({ stall_id: "sc_0-eur", region_hash: null })
    .execute();
  await database.kysely.updateTable("stalls").set({ id: "sc_0-eur" }).execute();
  await database.kysely.updateTable("products").set({ stall_id: "sc_0-eur" }).execute();
  const { sweep } = await scene.sweep();
  assertEquals(sweep!.made, 4);
  assert((await selectStall(database.kysely, scene.merchant, "sc_0-eur"))!.deleted_at !== null);
  assertEquals((await scene.product("v_s"))!.stall_id, "sc_1-eur");
});

onEachDatabase("what is the merchant's own stays the merchant's own", async (database) => {
  const scene = await Scene.open(database);
  await scene.shop.stall();
  await scene.shop.product({ id: "v_cup", name: "Mine" });
  scene.medusa.put(cup, shirt);
  assertEquals((await scene.sweep()).sweep!.troubles, 1);
  assertEquals((await scene.known("v_cup"))!.trouble, "there is a product v_cup of yours already");
  assertEquals((await scene.product("v_cup"))!.name, "Mine");
  // As soon as it isn't there any more, Medusa's comes.
  const own = { merchant: scene.merchant, id: "v_cup", now: scene.clock.now() };
  await database.transaction((tx) => deleteProduct(tx, own));
  assertEquals((await scene.sweep()).sweep!.made, 1);
  assertEquals((await scene.product("v_cup"))!.name, "Cup");
});

Deno.test("a stall of the merchant's own under Medusa's id keeps Medusa out", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  await scene.shop.stall({ id: "sc_1-eur", name: "Mine" });
  scene.medusa.put(cup);
  assertEquals((await scene.sweep()).problem, "there is a stall sc_1-eur of yours already");
  assertEquals((await selectStall(database.kysely, scene.merchant, "sc_1-eur"))!.name, "Mine");
});

Deno.test("a product that has gone from the catalogue is made again", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  scene.medusa.put(cup);
  await scene.sweep();
  await database.kysely.updateTable("products").set({ deleted_at: scene.clock.now() }).execute();
  assertEquals((await scene.sweep()).sweep!.made, 1);
  assertEquals((await scene.product("v_cup"))!.quantity, 5);
});

Deno.test("no transaction is about more than fifty products, unless one family is", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  scene.medusa.fill(120);
  let most = 0;
  const transaction = async (work: (tx: Tx) => Promise<unknown>) => {
    const products = () => database.kysely.selectFrom("products").select("id").execute();
    const before = (await products()).length;
    const done = await database.transaction(work);
    most = Math.max(most, (await products()).length - before);
    return done;
  };
  const counted = {
    ...scene.deps,
    database: { kysely: database.kysely, transaction } as unknown as Database,
  };
  const sweep = () => sweepJob(counted).run(scene.job("medusa.sweep", {}));
  await sweep();
  assertEquals(most, 50);
  scene.medusa.put({
    id: "prod_z",
    title: "Sizes",
    variants: Array.from({ length: 70 }, (_, i) => ({ id: `v_${i}` })),
  });
  await sweep();
  assertEquals(most, 71);
});

Deno.test("Medusa away: the sweep waits for it and says so; Medusa otherwise: it comes again at its time", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  scene.medusa.put(cup);
  scene.medusa.before = () => {
    throw new MedusaError("unreachable", "nobody is there");
  };
  const waiting = await assertRejects(() => scene.sweep(), RetryLater) as RetryLater;
  assertEquals([waiting.delayMs, waiting.counts], [30_000, false]);
  assertEquals((await scene.report()).problem, "its catalogue can't be read: nobody is there");
  scene.medusa.before = () => {
    throw new MedusaError("unauthorized", "not you");
  };
  assertEquals((await scene.sweep()).problem, "its catalogue can't be read: not you");
  const [job, ...others] = await database.kysely.selectFrom("jobs").select("run_at").where(
    "kind",
    "=",
    "medusa.sweep",
  )
    .execute();
  assertEquals([job!.run_at, others.length], [scene.clock.now() + 900_000, 0]);
  scene.medusa.before = () => {};
  assertEquals((await scene.sweep()).problem, null);
});

onEachDatabase(
  "a sweep that was cut off begins anew, and ends with what the whole one would have",
  async (database) => {
    const scene = await Scene.open(database);
    scene.medusa.fill(250);
    await scene.sweep();
    scene.medusa.products.delete("prod_00000");
    scene.medusa.before = ({ query }) => {
      // The second page.
      if ([query?.["id[]"]].flat().includes("prod_00220")) throw new Error("the process ends");
    };
    await assertRejects(() => scene.sweep(), Error, "the process ends");
    scene.medusa.before = () => {};
    scene.medusa.products.delete("prod_00249");
    const { sweep, products } = await scene.sweep();
    assertEquals([sweep!.removed, products], [2, 248]);
  },
);

Deno.test("a sweep gives way to whoever else wants the database and the process", async () => {
  await using database = await memoryDatabase();
  const scene = await Scene.open(database);
  scene.medusa.fill(200);
  let turns = 0;
  let over = false;
  const turn = () => {
    turns++;
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  await scene.sweep();
  over = true;
  // At least once for each fifty products.
  assert(turns >= 8, `${turns} turns`);
});

Deno.test("a sweep comes again by itself, and a wish for an earlier one is heard", async () => {
  await using database = await freshDatabase();
  const scene = await Scene.open(database);
  scene.medusa.put(cup);
  const { clock, merchant } = scene;
  const jobs = await startRunner(database, clock, {
    "medusa.sweep": sweepJob({ ...scene.deps, everyMs: 10_000 }),
  });
  await using _ = jobs;
  const sweeps = () => scene.medusa.asked.filter((one) => one === "GET /admin/stores").length;
  await database.transaction((tx) => sweepLater(tx, merchant, clock.now(), clock.now()));
  await jobs.settled();
  assertEquals(sweeps(), 1);
  await clock.advance(9_000);
  await jobs.settled();
  assertEquals(sweeps(), 1);
  await clock.advance(1_000);
  await jobs.settled();
  assertEquals(sweeps(), 2);
  await database.transaction((tx) => sweepLater(tx, merchant, clock.now() + 3_000, clock.now()));
  await clock.advance(3_000);
  await jobs.settled();
  assertEquals(sweeps(), 3);
});
