import { assert, assertEquals, assertMatch } from "@std/assert";
import { TestApi } from "./test_api.ts";
import { tokenFor } from "./walking.ts";

const stalls = "/api/v1/stalls";

Deno.test("a token is shown once; the database has its hash alone, and a repeat of the request doesn't get it", async () => {
  await using api = await TestApi.open();
  const headers = { "idempotency-key": "one" };
  const made = await api.post("/tokens", { name: "Till", scopes: ["catalog:read"] }, { headers });
  assertEquals(made.status, 201);
  assertMatch(made.body.token, /^ncc_[A-Za-z0-9-]{12}_[A-Za-z0-9_-]{43}$/);
  const again = await api.post("/tokens", { name: "Till", scopes: ["catalog:read"] }, { headers });
  assertEquals([again.status, again.body.code], [409, "answer_not_kept"]);
  const secret = made.body.token.slice(17);
  const { kysely } = api.app.database;
  for (const table of ["tokens", "idempotency", "audit"] as const) {
    const rows = JSON.stringify(await kysely.selectFrom(table).selectAll().execute());
    assert(!rows.includes(secret), table);
  }
  const { body: { data } } = await api.get("/tokens");
  assertEquals([data.length, data[0].id, data[0].token], [1, made.body.id, undefined]);
  const used = await api.get("/stalls", { authorization: `Bearer ${made.body.token}` });
  assertEquals(used.status, 200);
});

Deno.test("wrong, revoked, over: all the same 401", async () => {
  await using api = await TestApi.open();
  const until = new Date(api.clock.now() + 60_000).toISOString();
  const { body } = await api.post("/tokens", { name: "Short", scopes: ["catalog:read"], expires_at: until });
  const lasting = await api.post("/tokens", { name: "Long", scopes: ["catalog:read"] });
  const refusals = new Set<string>();
  const refused = async (token: string) => {
    const answer = await api.ask("GET", stalls, { authorization: `Bearer ${token}` });
    assertEquals(answer.status, 401, token);
    refusals.add(JSON.stringify({ ...answer.body, request_id: "" }));
  };
  const ask = async (token: string) =>
    (await api.ask("GET", stalls, { authorization: `Bearer ${token}` })).status;
  assertEquals([await ask(body.token), await ask(lasting.body.token)], [200, 200]);
  await refused(`${body.token.slice(0, -2)}${body.token.endsWith("AA") ? "BB" : "AA"}`);
  await refused(body.token.replace(/^ncc_.{12}/, `ncc_${"x".repeat(12)}`));
  await refused(`ncc_${body.id}_`);
  await api.clock.advance(60_000);
  await refused(body.token);
  assertEquals((await api.ask("DELETE", `/api/v1/tokens/${lasting.body.id}`)).status, 200);
  await refused(lasting.body.token);
  assertEquals((await api.ask("DELETE", `/api/v1/tokens/${lasting.body.id}`)).status, 404);
  assertEquals(refusals.size, 1);
});

Deno.test("nobody gives or takes what they haven't; the operator's scope isn't one merchant's", async () => {
  await using api = await TestApi.open();
  const authorization = await tokenFor(api, ["tokens:write", "orders:read"]);
  const give = (scopes: string[], merchant?: string) =>
    api.post("/tokens", { name: "x", scopes, ...(merchant && { merchant }) }, { authorization });
  assertEquals((await give(["orders:read"])).status, 201);
  assertEquals((await give(["orders:read", "orders:write"])).body.code, "scope_missing");
  assertEquals((await give(["operator"])).body.code, "scope_missing");
  const strong = (await api.post("/tokens", { name: "y", scopes: ["refunds:write"] })).body.id;
  const revoked = await api.ask("DELETE", `/api/v1/tokens/${strong}`, { authorization });
  assertEquals([revoked.status, revoked.body.code], [403, "scope_missing"]);
  const { status } = await api.post("/tokens", { name: "z", scopes: ["operator"], merchant: api.merchant });
  assertEquals(status, 422);
  assertEquals((await api.post("/tokens", { name: "z", scopes: ["everything"] })).status, 422);
  // One that a merchant's token makes is this merchant's, asked for or not.
  const bound = await tokenFor(api, ["tokens:write", "orders:read"], api.merchant);
  const made = await api.post("/tokens", { name: "b", scopes: ["orders:read"] }, { authorization: bound });
  assertEquals([made.status, made.body.merchant], [201, api.merchant]);
});

Deno.test("when a token was used is written once a minute", async () => {
  await using api = await TestApi.open();
  const authorization = await tokenFor(api, ["catalog:read"]);
  const start = api.clock.now();
  const used = async () => {
    await api.ask("GET", stalls, { authorization });
    const row = await api.app.database.kysely.selectFrom("tokens").select("last_used_at").executeTakeFirst();
    return row!.last_used_at! - start;
  };
  const seen = [await used()];
  await api.clock.advance(59_999);
  seen.push(await used());
  await api.clock.advance(1);
  seen.push(await used());
  assertEquals(seen, [0, 0, 60_000]);
});

Deno.test("audit and idempotency know a token by its id", async () => {
  await using api = await TestApi.open();
  const made = await api.post("/tokens", { name: "x", scopes: ["catalog:write"] });
  const authorization = `Bearer ${made.body.token}`;
  const headers = { "idempotency-key": "same" };
  const body = { name: "Tea", currency: "sat" };
  const mine = await api.post("/stalls", body, { authorization, headers });
  const admins = await api.post("/stalls", body, { headers });
  assertEquals([mine.status, admins.status, mine.body.id === admins.body.id], [201, 201, false]);
  const rows = await api.app.database.kysely.selectFrom("audit").select(["actor", "path"])
    .where("path", "=", stalls).execute();
  assertEquals(rows.map((row) => row.actor), [`token:${made.body.id}`, "admin"]);
});

Deno.test("details of readyz are for tokens of all merchants, whatever their scope", async () => {
  await using api = await TestApi.open();
  const details = async (authorization: string) =>
    (await api.ask("GET", "/readyz", { authorization })).body.checks.database.detail !== undefined;
  assertEquals(await details(await tokenFor(api, ["catalog:read"])), true);
  assertEquals(await details(await tokenFor(api, ["catalog:read"], api.merchant)), false);
});

Deno.test("who guesses over the network is told to wait, and the token in use isn't", async () => {
  await using api = await TestApi.open({ live: true, settings: { NCC_PORT: "0" } });
  const url = await api.start();
  const ask = async (token: string) => {
    const answer = await fetch(`${url}${stalls}`, { headers: { authorization: `Bearer ${token}` } });
    await answer.body?.cancel();
    return answer.status;
  };
  const seen = [await ask(api.app.adminToken)];
  for (let i = 0; i < 6; i++) seen.push(await ask(`guess-${i}`));
  seen.push(await ask(api.app.adminToken));
  assertEquals(seen, [200, 401, 401, 401, 401, 401, 429, 200]);
});
