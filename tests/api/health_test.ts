import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { systemClock } from "../../src/clock.ts";
import { systemRandom } from "../../src/random.ts";
import { silentLog } from "../support/log.ts";
import { TestApi } from "./test_api.ts";

const demo = () => new DemoWallet({ clock: systemClock, random: systemRandom, log: silentLog });
const anonymous = { authorization: null };

Deno.test("healthz says that the process lives, readyz that nothing runs yet", async () => {
  await using api = await TestApi.open();
  const { status, body } = await api.ask("GET", "/healthz", anonymous);
  assertEquals([status, body.name, body.ok], [200, "ncc", true]);
  const ready = await api.ask("GET", "/readyz", anonymous);
  assertEquals([ready.status, ready.body.ready], [503, false]);
});

Deno.test("readyz is 200 once intake runs; what is degraded makes it 503 only with ?strict", async () => {
  await using api = await TestApi.open({ wallet: demo(), settings: { NCC_PORT: "0" }, live: true });
  await api.start();
  for (const path of ["/readyz", "/readyz?strict", "/readyz?strict=1"]) {
    assertEquals((await api.ask("GET", path, anonymous)).status, 200, path);
  }
  const settings = { NCC_PORT: "0", NCC_RATES: "fixed:EUR=90000" };
  await using poor = await TestApi.open({ settings, live: true });
  await poor.start();
  const { status, body } = await poor.ask("GET", "/readyz", anonymous);
  assertEquals([status, body.ready, body.degraded], [200, true, true]);
  const checks = Object.entries<{ ok: boolean }>(body.checks);
  const bad = checks.filter(([, check]) => !check.ok).map(([name]) => name);
  assertEquals(bad, ["wallet", "rates"]);
  assertEquals((await poor.ask("GET", "/readyz?strict", anonymous)).status, 503);
});

Deno.test("readyz and status name the wallet that refunds wait for", async () => {
  await using api = await TestApi.open({ wallet: demo() });
  const check = async () => (await api.ask("GET", "/readyz")).body.checks["refund wallet"];
  assertEquals(await check(), undefined);
  await api.app.database.transaction((tx) =>
    tx.insertInto("refunds").values({
      id: "r",
      merchant: api.app.merchants.all()[0]!.pubkey,
      amount_msat: 1_000,
      reason: "paid twice",
      state: "approved",
      created_at: 1,
      updated_at: 1,
    }).execute()
  );
  assertEquals(await check(), { ok: false, detail: "none is set: NCC_WALLET_SPEND; a refund waits" });
});

Deno.test("readyz tells details to who shows the token, and to nobody else", async () => {
  await using api = await TestApi.open({ settings: { NCC_RELAYS: "ws://127.0.0.1:9" } });
  const details = (body: { checks: Record<string, { detail?: string }> }) =>
    Object.values(body.checks).filter((check) => "detail" in check).length;
  assertEquals(details((await api.ask("GET", "/readyz", anonymous)).body), 0);
  assertEquals(details((await api.ask("GET", "/readyz", { authorization: "Bearer wrong" })).body), 0);
  const { body } = await api.ask("GET", "/readyz");
  assertEquals(details(body), Object.keys(body.checks).length);
  const relay = body.checks["relay ws://127.0.0.1:9"];
  assertEquals([relay.ok, body.degraded], [false, true]);
});

Deno.test("metrics need the token and are Prometheus' text", async () => {
  await using api = await TestApi.open();
  assertEquals((await api.ask("GET", "/metrics", anonymous)).status, 401);
  const { status, headers, body } = await api.ask("GET", "/metrics");
  assertEquals(status, 200);
  assertStringIncludes(headers.get("content-type")!, "text/plain; version=0.0.4");
  assertStringIncludes(body, "ncc_build_info");
  assert(
    body.split("\n").every((line: string) =>
      line === "" || /^(#|[a-z_]+(\{.*\})? [-\d.e+NaInf]+$)/.test(line)
    ),
  );
});

Deno.test("the relay's information document is at /relay, for every page", async () => {
  await using api = await TestApi.open();
  const { headers, body } = await api.ask("GET", "/relay", {
    authorization: null,
    headers: { accept: "application/nostr+json" },
  });
  assertEquals(headers.get("access-control-allow-origin"), "*");
  assert(body.supported_nips.includes(42));
});
