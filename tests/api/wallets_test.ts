import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { systemRandom } from "../../src/random.ts";
import { systemClock } from "../../src/clock.ts";
import { silentLog } from "../support/log.ts";
import { TestApi } from "./test_api.ts";

const SECRET = "a".repeat(64);
const nwc = `nostr+walletconnect://${"b".repeat(64)}?relay=ws%3A%2F%2F127.0.0.1%3A9&secret=${SECRET}`;
const LNBITS = "lnbits+http://127.0.0.1:9/?key=0123456789abcdef";
const names = (body: { data: { name: string }[] }) => body.data.map(({ name }) => name);

Deno.test("further wallets stand behind the first in the order of their priority, and their secrets are never shown", async () => {
  await using api = await TestApi.open({ settings: { NCC_WALLET: "demo:" } });
  assertEquals(names((await api.get("/wallets")).body), ["main"]);
  const added = await api.post("/wallets", { name: "spare", url: nwc, priority: 2 });
  assertEquals([added.status, added.body.kind, added.body.up], [201, "nwc", null]);
  assertEquals((await api.post("/wallets", { name: "first", url: LNBITS, priority: 1 })).status, 201);
  const listed = await api.get("/wallets");
  assertEquals(names(listed.body), ["main", "first", "spare"]);
  assert(!JSON.stringify([added.body, listed.body]).includes(SECRET));
  assertEquals(api.app.merchants.all()[0]!.wallets.length, 3);
  assertEquals((await api.ask("DELETE", "/api/v1/wallets/first")).body, { name: "first", removed: true });
  assertEquals(names((await api.get("/wallets")).body), ["main", "spare"]);
  assertEquals((await api.ask("DELETE", "/api/v1/wallets/first")).status, 404);
});

Deno.test("a wallet that can't be one is refused, its URL not quoted, and nothing is kept", async () => {
  await using api = await TestApi.open();
  const wrong = [
    [{ name: "spare", url: `nostr+walletconnect://x?secret=${SECRET}` }, "/url"],
    [{ name: "spare", url: "https://example.com" }, "/url"],
    [{ name: "main", url: "demo:" }, "/name"],
    [{ name: "No Name", url: "demo:" }, "/name"],
    [{ name: "spare", url: "demo:", priority: 0 }, "/priority"],
  ] as const;
  for (const [body, pointer] of wrong) {
    const refused = await api.post("/wallets", body);
    assertEquals([refused.status, refused.body.errors[0].pointer], [422, pointer], JSON.stringify(body));
    assert(!JSON.stringify(refused.body).includes(SECRET));
  }
  assertEquals((await api.post("/wallets", { name: "spare", url: "demo:" })).status, 201);
  assertEquals((await api.post("/wallets", { name: "spare", url: "demo:" })).status, 409);
  assertEquals(names((await api.get("/wallets")).body), ["spare"]);
});

Deno.test("a wallet that the merchant has already is refused under another name, too", async () => {
  await using api = await TestApi.open({ settings: { NCC_WALLET: "demo:" } });
  assertEquals((await api.post("/wallets", { name: "spare", url: nwc })).status, 201);
  for (const [url, name] of [["demo:", "main"], [nwc.replace("3A9", "3A10"), "spare"]] as const) {
    const { status, body } = await api.post("/wallets", { name: "again", url });
    assertEquals([status, body.detail], [
      409,
      `This is the merchant's wallet ${name} already. A further one has to be another account.`,
    ]);
  }
  // Another connection to the same service is another account.
  const other = nwc.replace(SECRET, "c".repeat(64));
  assertEquals((await api.post("/wallets", { name: "other", url: other })).status, 201);
  assertEquals(names((await api.get("/wallets")).body), ["main", "other", "spare"]);
});

Deno.test("a trial makes an invoice of 1 sat, finds it, and says what the wallet can't do", async () => {
  await using api = await TestApi.open({ settings: { NCC_WALLET: "demo:" } });
  const tried = await api.post("/wallets/test", {});
  assertEquals(tried.status, 200);
  assertEquals(
    tried.body.steps.map(({ step, ok }: { step: string; ok: boolean }) => [step, ok]),
    [["answers", true], ["makes an invoice", true], ["looks it up", true]],
  );
  assertEquals(tried.body.ok, true);
  assertStringIncludes(tried.body.lacks.join(" "), "hold invoices");
  assertEquals((await api.post("/wallets/test", { url: "demo:" })).body.ok, true);
  assertEquals((await api.post("/wallets/test", { url: "demo:", name: "main" })).status, 422);
  assertEquals((await api.post("/wallets/test", { name: "none" })).status, 404);
});

Deno.test("a trial says at which step a wallet fails, and isn't ended by it", async () => {
  const wallet = new DemoWallet({ clock: systemClock, random: systemRandom, log: silentLog });
  await using api = await TestApi.open({ wallet, live: true });
  const failing = async () => {
    const { body } = await api.post("/wallets/test", {});
    const [last] = body.steps.filter(({ ok }: { ok: boolean }) => !ok);
    return [body.ok, last.step, last.detail];
  };
  wallet.faults.next("createInvoice", { do: "fail", kind: "refused" });
  assertEquals((await failing()).slice(0, 2), [false, "makes an invoice"]);
  wallet.faults.always("lookup", { do: "lie", say: () => ({ status: "not_found" }) });
  assertEquals(await failing(), [
    false,
    "looks it up",
    'it says "not found" of an invoice that was made a moment ago',
  ]);
  wallet.faults.always("lookup", null);
  wallet.faults.next("probe", { do: "fail", kind: "unauthorized" });
  assertEquals((await failing()).slice(0, 2), [false, "answers"]);
});
