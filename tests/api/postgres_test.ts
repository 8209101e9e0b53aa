import { assertEquals } from "@std/assert";
import { onPostgres } from "../support/databases.ts";
import { keyPair } from "../support/keys.ts";
import { TestApi } from "./test_api.ts";

onPostgres("the API is the same: things are made, changed, listed in pages, and refused", async (shared) => {
  await using api = await TestApi.open({ settings: { NCC_DATABASE_URL: shared.url } });
  for (const id of ["a", "b", "c"]) {
    assertEquals((await api.post("/stalls", { id, name: "Tea", currency: "EUR" })).status, 201);
    const product = { id, stall_id: id, name: "Cup", price: "9.95", quantity: 3 };
    assertEquals((await api.post("/products", product)).status, 201);
    await api.order();
    assertEquals((await api.post("/messages", { customer: keyPair("alice").pubkey, body: id })).status, 201);
  }
  for (const path of ["/stalls", "/products", "/orders", "/messages", "/jobs"]) {
    const first = await api.get(`${path}?limit=2`);
    assertEquals([first.status, first.body.data.length, first.body.has_more], [200, 2, true], path);
    const second = await api.get(`${path}?limit=200&cursor=${encodeURIComponent(first.body.next_cursor)}`);
    const seen = new Set([...first.body.data, ...second.body.data].map((one) => one.id));
    assertEquals(seen.size, first.body.data.length + second.body.data.length, path);
    assertEquals(second.body.has_more, false, path);
  }
  assertEquals((await api.post("/products/a/stock", { add: -1 })).body.quantity, 2);
  const id = await api.order();
  assertEquals((await api.post(`/orders/${id}/ship`, { carrier: "DHL" })).body.fulfilment, "shipped");
  assertEquals((await api.post(`/orders/${id}/cancel`)).status, 422);
  assertEquals((await api.get("/payments")).body.data, []);
  const key = { headers: { "idempotency-key": "one" } };
  const all = await Promise.all(
    Array.from({ length: 10 }, () => api.post("/stalls", { name: "Once", currency: "sat" }, key)),
  );
  assertEquals(all.every((one) => one.status === 201 || one.status === 409), true);
  assertEquals((await api.get("/stalls")).body.data.length, 4);
});
