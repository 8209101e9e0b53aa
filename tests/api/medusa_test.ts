import { assertEquals, assertStringIncludes } from "@std/assert";
import { NO_PRICE } from "../../src/medusa/catalogue/mapping.ts";
import { Scene } from "../medusa/catalogue/scene.ts";
import { TestApi } from "./test_api.ts";
import { tokenFor } from "./walking.ts";

const settings = { NCC_MEDUSA_URL: "http://127.0.0.1:9", NCC_MEDUSA_KEY: "sk_0123456789" };
const cup = { id: "prod_cup", title: "Cup", description: "of clay", variants: [{ id: "v_cup" }] };
const free = { id: "prod_free", title: "Free", variants: [{ id: "v_free", net: null }] };
const pot = { id: "prod_pot", title: "Pot", variants: [{ id: "v_pot" }] };

/** A shop whose Medusa has a product that was changed on both sides, one without a price, and one as it should be. */
async function shop(): Promise<{ api: TestApi; scene: Scene }> {
  const api = await TestApi.open({ settings });
  const scene = await Scene.open(api.app.database, api.merchant);
  scene.medusa.put(cup, free, pot);
  await scene.sweep();
  await scene.edit("v_cup", { name: "My cup" });
  scene.medusa.put({ ...cup, title: "Mug" });
  await scene.sweep();
  return { api, scene };
}

Deno.test("the merchant sees what Medusa has, and what of it wants a look", async () => {
  const { api } = await shop();
  await using _ = api;
  const { body: state } = await api.get("/medusa");
  assertEquals([
    state.merchant,
    state.stall_id,
    state.currency,
    state.products,
    state.conflicts,
    state.problem,
  ], [
    api.merchant,
    "sc_1-eur",
    "EUR",
    2,
    1,
    null,
  ]);
  assertEquals([state.sweep.seen, state.sweep.troubles, state.up], [3, 1, null]);
  const listed = async (query = "") =>
    (await api.get(`/medusa/products${query}`)).body.data.map((one: { id: string; state: string }) =>
      `${one.id} ${one.state}`
    );
  assertEquals(await listed(), ["v_cup conflict", "v_free trouble", "v_pot listed"]);
  assertEquals(await listed("?state=trouble"), ["v_free trouble"]);
  assertEquals(await listed("?state=left_out"), []);
  const first = (await api.get("/medusa/products?limit=1")).body;
  assertEquals([first.data.length, first.has_more], [1, true]);
  assertEquals(await listed(`?limit=1&cursor=${first.next_cursor}`), ["v_free trouble"]);
  const { body: { data: [conflicting] } } = await api.get("/medusa/products?state=conflict");
  assertEquals(conflicting.conflicts, [{ field: "name", ours: "My cup", theirs: "Mug" }]);
  const { body: { data: [troubled] } } = await api.get("/medusa/products?state=trouble");
  assertEquals(troubled.trouble, NO_PRICE);
  assertEquals((await api.get("/medusa/products?state=good")).status, 422);
  const { body: zones } = await api.get("/medusa/zones");
  assertEquals(
    zones.data.map((zone: { id: string; cost: string; amount: string }) => [zone.id, zone.cost, zone.amount]),
    [
      ["so_1-de", "5.95", "5"],
      ["so_1-fr", "6", "5"],
    ],
  );
});

Deno.test("the merchant leaves products and zones out, takes sides, and has the catalogue read", async () => {
  const { api } = await shop();
  await using _ = api;
  const patch = (path: string, body: unknown) => api.ask("PATCH", `/api/v1/medusa/${path}`, { body });
  assertEquals((await patch("products/v_cup", { take: { name: "theirs" } })).body.state, "listed");
  assertEquals((await api.get("/products/v_cup")).body.name, "Mug");
  const out = await patch("products/v_pot", { left_out: true });
  assertEquals([out.status, out.body.state], [200, "left_out"]);
  assertEquals((await api.get("/products/v_pot")).status, 404);
  assertEquals((await patch("products/v_pot", { left_out: false })).body.state, "waiting");
  for (
    const body of [{}, { left_out: true, take: { name: "ours" } }, { take: { price: "ours" } }, {
      take: { name: "mine" },
    }]
  ) {
    assertEquals((await patch("products/v_cup", body)).status, 422, JSON.stringify(body));
  }
  assertEquals((await patch("products/v_none", { left_out: true })).status, 404);
  assertEquals((await patch("zones/so_1-fr", { left_out: true })).body.left_out, true);
  assertEquals((await api.get("/stalls/sc_1-eur")).body.shipping.length, 1);
  assertEquals((await patch("zones/so_1-de", { left_out: true })).status, 409);
  await api.app.database.kysely.deleteFrom("jobs").where("kind", "=", "medusa.sweep").execute();
  assertEquals((await api.post("/medusa/sweep")).status, 200);
  const jobs = await api.get("/jobs");
  assertStringIncludes(JSON.stringify(jobs.body), "medusa.sweep");
});

Deno.test("what Medusa keeps can't be changed by the API, which says where it can be", async () => {
  const { api } = await shop();
  await using _ = api;
  const { body: pot } = await api.get("/products/v_pot");
  const put = (change: Record<string, unknown>) => {
    const { id, stall_id, name, type, description, images, currency, price, specs, shipping, categories } =
      pot;
    const same = {
      id,
      stall_id,
      name,
      type,
      description,
      images,
      currency,
      price,
      specs,
      shipping,
      categories,
    };
    return api.ask("PUT", "/api/v1/products/v_pot", { body: { ...same, ...change } });
  };
  assertEquals((await put({ name: "My pot" })).status, 200);
  const dearer = await put({ price: 100 });
  assertEquals([dearer.status, dearer.body.errors[0].pointer], [409, "/price"]);
  assertStringIncludes(dearer.body.detail, "PATCH /api/v1/medusa/products/v_pot");
  assertEquals((await api.post("/products/v_pot/stock", { set: 1 })).status, 409);
  assertEquals((await api.ask("DELETE", "/api/v1/products/v_pot")).status, 409);
  assertEquals((await api.ask("DELETE", "/api/v1/stalls/sc_1-eur")).status, 409);
  assertEquals(
    (await api.post("/products", { stall_id: "sc_1-eur", name: "Mine", price: 1, quantity: 1 })).status,
    409,
  );
});

Deno.test("whoever is done with Medusa has what it kept as their own", async () => {
  const { api, scene } = await shop();
  await using _ = api;
  assertEquals((await api.ask("DELETE", "/api/v1/medusa")).status, 409);
  await using without = await TestApi.open();
  const other = await Scene.open(without.app.database, without.merchant);
  other.medusa.put(cup);
  await other.sweep();
  assertEquals((await without.post("/products/v_cup/stock", { set: 1 })).status, 409);
  assertEquals((await without.ask("DELETE", "/api/v1/medusa")).status, 200);
  assertEquals((await without.post("/products/v_cup/stock", { set: 1 })).body.quantity, 1);
  assertEquals((await without.ask("DELETE", "/api/v1/stalls/sc_1-eur")).status, 200);
  assertEquals(await other.known("v_cup"), undefined);
  assertEquals((await scene.known("v_cup"))?.product_id, "v_cup");
});

Deno.test("there is a Medusa for whom the settings give one, and for nobody else", async () => {
  await using none = await TestApi.open();
  for (const path of ["/medusa", "/medusa/zones"]) {
    assertEquals((await none.get(path)).body.code, "no_medusa");
  }
  assertEquals((await none.post("/medusa/sweep")).body.code, "no_medusa");
  const { api } = await shop();
  await using _ = api;
  const other = (await api.post("/merchants", { name: "Other", wallet: "demo:" })).body.pubkey;
  // Whose it is needs no name, however many merchants there are.
  assertEquals((await api.get("/medusa")).body.merchant, api.merchant);
  assertEquals((await api.get(`/medusa?merchant=${other}`)).status, 404);
  const authorization = await tokenFor(api, ["catalog:read"], other);
  assertEquals((await api.get("/medusa", { authorization })).status, 404);
  assertEquals((await api.get("/medusa/products", { authorization })).body.data, []);
});
