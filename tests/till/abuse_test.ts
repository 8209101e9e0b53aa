import { assertEquals } from "@std/assert";
import { Till } from "./scene.ts";

Deno.test("another token's invoice isn't there: not to be seen, listed, cancelled or refunded", async () => {
  await using till = await Till.open();
  const made = await till.invoice();
  const other = await till.anotherToken();
  const foreign = (await till.api.post("/merchants", { name: "Other", wallet: "demo:" })).body.pubkey;
  const theirs = await till.anotherToken({ merchant: foreign });
  const before = await till.see(made.id);
  for (const { token } of [other, theirs]) {
    const bare = async (method: string, path: string, body?: unknown) => {
      const { status, body: answer } = await till.ask(method, path, body, token);
      return JSON.stringify([status, { ...answer, request_id: "" }]).replaceAll(/\/?[0-9a-f-]{36}/g, "ID");
    };
    const nobodys = crypto.randomUUID();
    for (
      const [method, path, body] of [
        ["GET", ""],
        ["POST", "/cancel", {}],
        ["POST", "/refund", { reference: "r1" }],
      ] as const
    ) {
      const answer = await bare(method, `/${made.id}${path}`, body);
      assertEquals(answer, await bare(method, `/${nobodys}${path}`, body));
      assertEquals(JSON.parse(answer)[0], 404);
    }
    assertEquals((await till.ask("GET", "", undefined, token)).body.data, []);
    assertEquals((await till.ask("GET", "?reference=cart-1", undefined, token)).body.data, []);
  }
  assertEquals(await till.see(made.id), before);
  // The same reference is another invoice for each of them.
  const merchant = till.api.merchant;
  const same = { reference: "cart-1", amount_msat: "21000", merchant };
  const own = await till.ask("POST", "", same, other.token);
  assertEquals([own.status, own.body.id === made.id], [201, false]);
  assertEquals((await till.ask("POST", "", same, theirs.token)).status, 404);
});

Deno.test("a token of invoices opens nothing else, and no other token opens invoices", async () => {
  await using till = await Till.open({ idle: true });
  const authorization = `Bearer ${till.token.token}`;
  for (const path of ["/orders", "/payments", "/refunds", "/customers", "/tokens", "/wallets", "/notices"]) {
    assertEquals((await till.api.get(path, { authorization })).status, 403, path);
  }
  const reader = await till.anotherToken({ scopes: ["orders:read", "orders:write", "refunds:write"] });
  assertEquals((await till.ask("GET", "", undefined, reader.token)).body.code, "scope_missing");
});

Deno.test("an order of a customer is no invoice; the operator sees every till's, and makes their own", async () => {
  await using till = await Till.open();
  const order = await till.api.order();
  assertEquals((await till.ask("GET", `/${order}`)).status, 404);
  const made = await till.invoice();
  const admin = till.api.app.adminToken;
  assertEquals((await till.ask("GET", `/${order}`, undefined, admin)).status, 404);
  assertEquals((await till.ask("GET", `/${made.id}`, undefined, admin)).status, 200);
  const asked = { reference: "cart-1", amount_msat: "21000", merchant: till.api.merchant };
  const own = await till.ask("POST", "", asked, admin);
  assertEquals([own.status, own.body.state, own.body.id === made.id], [201, "open", false]);
  assertEquals((await till.ask("GET", "", undefined, admin)).body.data.length, 2);
  assertEquals((await till.ask("GET", `/${own.body.id}`)).status, 404);
});

Deno.test("the caps of a token hold: how much one may come to, and how many are unpaid", async () => {
  await using till = await Till.open({ invoices: { max_sat: 100, max_open: 2 } });
  const ask = async (reference: string, amount_msat: string) => {
    const { status, body } = await till.ask("POST", "", { reference, amount_msat });
    return [status, body.code ?? body.state];
  };
  assertEquals(await ask("a", "100001"), [422, "too_large"]);
  assertEquals(await ask("a", "100000"), [201, "open"]);
  assertEquals(await ask("a", "101000"), [422, "too_large"]);
  assertEquals(await ask("b", "1000"), [201, "open"]);
  assertEquals(await ask("c", "1000"), [409, "too_many_open"]);
  // What is there already is no further one.
  assertEquals(await ask("b", "2000"), [200, "open"]);
  const { body: list } = await till.ask("GET");
  await till.ask("POST", `/${list.data[0].id}/cancel`, {});
  assertEquals(await ask("c", "1000"), [201, "open"]);
  const many = await Promise.all(["d", "e", "f"].map((reference) => ask(reference, "1000")));
  assertEquals(many.map(([status]) => status), [409, 409, 409]);
});

Deno.test("a token that asks too often is told to wait, and others aren't", async () => {
  await using till = await Till.open({ idle: true });
  // Without moving the clock.
  const ask = (token = till.token.token) =>
    till.api.post("/invoices/none/cancel", {}, { authorization: `Bearer ${token}` });
  for (let i = 0; i < 120; i++) assertEquals((await ask()).status, 404);
  const refused = await ask();
  assertEquals([refused.status, refused.body.code], [429, "too_many_requests"]);
  assertEquals(refused.headers.get("retry-after"), "5");
  const keyed = () =>
    till.api.post("/invoices/none/cancel", {}, {
      authorization: `Bearer ${till.token.token}`,
      headers: { "idempotency-key": "one" },
    });
  assertEquals((await keyed()).status, 429);
  assertEquals((await ask((await till.anotherToken()).token)).status, 404);
  await till.clock.advance(5_000);
  assertEquals([(await ask()).status, (await keyed()).status], [404, 404]);
});

Deno.test("what isn't well formed is refused before anything is made of it", async () => {
  await using till = await Till.open({ idle: true });
  const refusals: Record<string, unknown>[] = [
    {},
    { reference: "" },
    { reference: "x".repeat(201) },
    { reference: "a\nb" },
    { reference: "a\u0000" },
    { amount_msat: undefined },
    { amount_msat: "0" },
    { amount_msat: "-1000" },
    { amount_msat: 21_000 },
    { amount_msat: "1e5" },
    { amount_msat: "21000", amount: "1", currency: "EUR" },
    { amount_msat: "21000", currency: "EUR" },
    { amount_msat: undefined, amount: "1" },
    { amount_msat: undefined, amount: "0.00", currency: "EUR" },
    { amount_msat: undefined, amount: "-1", currency: "EUR" },
    { amount_msat: undefined, amount: "1,50", currency: "EUR" },
    { amount_msat: undefined, amount: 1.5, currency: "EUR" },
    { amount_msat: undefined, amount: "1", currency: "WTF" },
    { expires_in: 59 },
    { expires_in: 86_401 },
    { description: "x".repeat(501) },
    { notify_url: "https://example.com/" },
    { state: "paid" },
  ];
  for (const body of refusals) {
    const sent = Object.keys(body).length === 0 ? {} : { reference: "cart-1", amount_msat: "21000", ...body };
    const refused = await till.ask("POST", "", sent);
    assertEquals([refused.status, refused.body.code], [422, "invalid"], JSON.stringify(body));
  }
  assertEquals(await till.rows("orders"), []);
});
