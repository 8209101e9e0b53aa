import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { BuiltInRelay } from "../support/built_in_relay.ts";
import { encodeBolt11 } from "../../src/payments/bolt11.ts";
import { type Request, ScriptedWallet } from "../payments/nwc/scripted_wallet.ts";
import { exists, ncc, place } from "./cli.ts";

interface Finding {
  what: string;
  state: string;
  detail: string;
  remedy?: string;
}

async function doctor(environment: Record<string, string>) {
  const { code, json } = await ncc(["doctor", "--json"], { environment });
  const { ok, findings } = json() as { ok: boolean; findings: Finding[] };
  assertEquals(code, ok ? 0 : 1);
  return {
    problems: findings.filter((one) => one.state === "problem"),
    of: (what: string) => findings.find((one) => one.what === what)!,
    findings,
  };
}

Deno.test("a new machine has no problem, and nothing is made by looking", async () => {
  await using p = await place();
  const { problems, of } = await doctor(p.environment);
  assertEquals(problems, []);
  assertEquals([of("wallet").state, of("relays").state], ["warning", "warning"]);
  assertEquals(await exists(p.data), false);
});

Deno.test("each problem of a broken set-up is named, with a remedy, all at once", async () => {
  await using p = await place();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const file = `${p.dir}/file`;
  await Deno.writeTextFile(file, "");
  const { problems } = await doctor({
    NCC_DATA_DIR: `${file}/data`,
    NCC_PORT: String(taken.addr.port),
    NCC_KEY: "nsec1canary",
    NCC_RELAYS: "ws://127.0.0.1:9",
    NCC_WALLET: `nostr+walletconnect://${"b".repeat(64)}?relay=ws://127.0.0.1:9&secret=${"a".repeat(64)}`,
  });
  assertEquals(problems.map((one) => one.what), ["data", "key", "port", "relay", "wallet"]);
  const text = JSON.stringify(problems);
  assert(!/canary|a{64}/.test(text), text);
  for (const { what, remedy } of problems) assert((remedy ?? "").length > 20, `${what}: ${remedy}`);
  const says = (what: string) => {
    const { detail, remedy } = problems.find((one) => one.what === what)!;
    return `${detail} ${remedy}`;
  };
  assertStringIncludes(says("data"), "NCC_DATA_DIR");
  assertStringIncludes(says("key"), "checksum");
  assertStringIncludes(says("port"), "NCC_PORT");
  assertStringIncludes(says("relay"), "ws://127.0.0.1:9 doesn't answer");
  assertStringIncludes(says("wallet"), "relay of its connection up");
});

Deno.test("a wallet that refuses, or may not make invoices, is told apart from one that is away", async () => {
  await using p = await place();
  await using relay = await BuiltInRelay.serve();
  await using wallet = new ScriptedWallet(relay.url);
  await wallet.serve({ methods: "get_info make_invoice lookup_invoice", encryption: "nip44_v2" });
  wallet.answer = () => ({
    result_type: "get_info",
    error: { code: "UNAUTHORIZED", message: "no such connection" },
    result: null,
  });
  const refused = await doctor({ ...p.environment, NCC_WALLET: wallet.uri });
  assertEquals(refused.of("wallet").state, "problem");
  assertStringIncludes(refused.of("wallet").remedy!, "Make a new one in the wallet");

  wallet.answer = bob("regtest");
  const well = await doctor({ ...p.environment, NCC_WALLET: wallet.uri });
  assertEquals(well.of("wallet").state, "ok");
  assertMatch(well.of("wallet").detail, /answers \(Bob, bcrt\), makes an invoice, looks it up$/);
  assertStringIncludes(well.of("wallet lacks").detail, "can't be withdrawn");

  wallet.answer = (request) =>
    request.method === "make_invoice"
      ? { result_type: "make_invoice", error: { code: "QUOTA_EXCEEDED", message: "no" }, result: null }
      : bob("regtest")(request);
  const full = await doctor({ ...p.environment, NCC_WALLET: wallet.uri });
  assertEquals(full.of("wallet").state, "problem");
  assertStringIncludes(full.of("wallet").detail, "makes an invoice: ");

  await using poor = new ScriptedWallet(relay.url);
  await poor.serve({ methods: "get_info pay_invoice", encryption: "nip44_v2" });
  const without = await doctor({ ...p.environment, NCC_WALLET: poor.uri });
  assertStringIncludes(without.of("wallet").detail, "make_invoice");
  assertStringIncludes(without.of("wallet").remedy!, "make_invoice");
});

Deno.test("the wallet that pays refunds: whether it answers, can pay, and is of the same network", async () => {
  await using p = await place();
  await using relay = await BuiltInRelay.serve();
  const walletOn = async (network: string, methods: string) => {
    const wallet = new ScriptedWallet(relay.url);
    await wallet.serve({ methods, encryption: "nip44_v2" });
    wallet.answer = bob(network);
    return wallet;
  };
  await using receiving = await walletOn("regtest", "get_info make_invoice lookup_invoice");
  await using same = await walletOn("regtest", "get_info make_invoice lookup_invoice pay_invoice");
  await using other = await walletOn("mainnet", "get_info make_invoice lookup_invoice pay_invoice");
  const look = (spend: string) =>
    doctor({ ...p.environment, NCC_WALLET: receiving.uri, NCC_WALLET_SPEND: spend });
  assertEquals((await look(same.uri)).of("refund wallet").state, "ok");
  const asked = [receiving, same].map(({ requests }) => requests.map(({ method }) => method));
  assertEquals(asked, [["get_info", "make_invoice", "lookup_invoice"], ["get_info"]]);
  const elsewhere = (await look(other.uri)).of("refund wallet");
  assertEquals(elsewhere.state, "problem");
  assertStringIncludes(elsewhere.detail, "network");
  other.answer = () => ({
    result_type: "get_info",
    error: { code: "UNAUTHORIZED", message: "no such connection" },
    result: null,
  });
  const away = (await look(other.uri)).of("refund wallet");
  assertEquals(away.state, "problem");
  assertStringIncludes(away.remedy!, "NCC_WALLET_SPEND");
  const none = await doctor({ ...p.environment, NCC_WALLET: receiving.uri });
  assertEquals(none.findings.some(({ what }) => what === "refund wallet"), false);
});

Deno.test("a relay that answers is well; a database of a newer version, a damaged one, and none at all are problems", async () => {
  await using p = await place();
  const { environment } = p;
  await using relay = await BuiltInRelay.serve();
  await ncc(["init", "--yes"], { environment });
  const well = await doctor({ ...environment, NCC_RELAYS: relay.url });
  assertEquals([well.problems, well.of("relay").state, well.of("database").detail], [
    [],
    "ok",
    "SQLite opens",
  ]);

  const away = await doctor({ ...environment, NCC_DATABASE_URL: "postgres://ncc:canary@127.0.0.1:9/ncc" });
  assertEquals(away.problems.map((one) => one.what), ["database"]);
  assert(!JSON.stringify(away.findings).includes("canary"));

  await Deno.chmod(`${p.data}/key.nsec`, 0o644);
  assertStringIncludes((await doctor(environment)).of("key").detail, "chmod 600");
  await Deno.writeTextFile(`${p.data}/key.nsec`, "rubbish\n");
  await Deno.chmod(`${p.data}/key.nsec`, 0o600);
  assertStringIncludes((await doctor(environment)).of("key").detail, "no usable key");
  await Deno.writeTextFile(
    `${p.data}/ncc.db`,
    "no database at all, but long enough to be taken for one".repeat(100),
  );
  assertEquals((await doctor(environment)).of("database").state, "problem");
});

Deno.test("settings that can't be read are named like everything else", async () => {
  await using p = await place();
  const { problems } = await doctor({ ...p.environment, NCC_RELAY: "wss://a.b", NCC_INVOICE_EXPIRY: "15" });
  assertEquals(problems.map((one) => one.what), ["NCC_RELAY", "NCC_INVOICE_EXPIRY"]);
  assertStringIncludes(problems[0]!.detail, "Did you mean NCC_RELAYS?");
});

Deno.test("for people each finding is a line with a mark, and a line for what to do", async () => {
  await using p = await place({ NCC_RELAYS: "ws://127.0.0.1:9" });
  const { out } = await ncc(["doctor"], { environment: p.environment, interactive: true });
  assertStringIncludes(out, "✗ relay     ws://127.0.0.1:9 doesn't answer");
  assertStringIncludes(out, "\n            → Check its address");
  assertStringIncludes(out, "1 problem found.");
});

/** A wallet that does what it is asked; what it made is open. */
function bob(network: string) {
  const say = (result_type: string, result: Record<string, unknown>) => ({
    result_type,
    error: null,
    result,
  });
  return ({ method, params }: Request) => {
    if (method === "get_info") return say(method, { alias: "Bob", network, methods: [] });
    if (method === "lookup_invoice") return say(method, { ...params, type: "incoming", state: "pending" });
    const payment_hash = "ab".repeat(32);
    const invoice = encodeBolt11({
      network: network === "regtest" ? "bcrt" : "bc",
      amountMsat: BigInt(params.amount as number),
      timestamp: Math.floor(Date.now() / 1000),
      paymentHash: payment_hash,
      paymentSecret: "11".repeat(32),
      description: params.description as string,
      expirySeconds: params.expiry as number,
    }, new Uint8Array(32).fill(7));
    return say(method, { type: "incoming", invoice, payment_hash, amount: params.amount, created_at: 1 });
  };
}
