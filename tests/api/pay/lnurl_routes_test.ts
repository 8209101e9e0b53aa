import { createHash } from "node:crypto";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { bech32 } from "@scure/base";
import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import { PayScene } from "./scene.ts";

/** What a wallet does with an LNURL that it is given, by LUD-01 and LUD-06 and without code of ours. */
function urlIn(lnurl: string): string {
  const { prefix, words } = bech32.decode(lnurl as `${string}1${string}`, false);
  assertEquals(prefix, "lnurl");
  return new TextDecoder().decode(bech32.fromWords(words));
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

async function json(it: PayScene, url: string) {
  const { text, headers, status } = await it.get(url);
  assertEquals(headers.get("access-control-allow-origin"), "*", url);
  return { status, ...JSON.parse(text) };
}

Deno.test("a customer who pays through the LNURL has paid the order's invoice, and the wallet's checks hold", async () => {
  await using it = await PayScene.open();
  const { id, bolt11, links } = await it.order();
  const first = await json(it, urlIn(links.lnurl!));
  assertEquals([first.tag, first.minSendable, first.maxSendable], ["payRequest", 21_000, 21_000]);
  assertMatch(first.metadata, /^\[\["text\/plain","Order [0-9a-f]{8}-[0-9a-f]{4}"\]\]$/);
  const second = await json(it, `${first.callback}?amount=${first.maxSendable}`);
  assertEquals([second.pr, second.routes], [bolt11, []]);
  const read = decodeBolt11(second.pr);
  assert(read.ok);
  assertEquals([read.invoice.descriptionHash, read.invoice.amountMsat], [sha256(first.metadata), 21_000n]);
  const open = await json(it, second.verify);
  assertEquals(open, { status: "OK", settled: false, preimage: null, pr: bolt11 });
  await it.wallet.settle(second.pr);
  await it.until(id, "paid", 100);
  assertEquals((await json(it, second.verify)).settled, true);
  assertEquals(await json(it, urlIn(links.lnurl!)), { status: "ERROR", reason: "This is paid already." });
});

Deno.test("another amount than the one that is owed is refused", async () => {
  await using it = await PayScene.open();
  const { links } = await it.order();
  const callback = `${urlIn(links.lnurl!)}/callback`;
  for (
    const query of ["", "?amount=", "?amount=20999", "?amount=21001", "?amount=21000.0", "?amount=021000"]
  ) {
    const { status, reason } = await json(it, `${callback}${query}`);
    assertEquals([status, reason], ["ERROR", "The amount must be 21 sat, in msat."], query);
  }
  assertEquals((await json(it, `${callback}?amount=21000&comment=hello`)).routes, []);
});

const over = [
  ["quoting", /being made/],
  ["held", /being paid already/],
  ["refunded", /goes back/],
  ["expired", /run out/],
  ["cancelled", /nothing to pay/],
] as const;

Deno.test("an order that isn't waited for answers why, to request and callback", async () => {
  await using it = await PayScene.open();
  const { id, links } = await it.order();
  const url = urlIn(links.lnurl!);
  for (const [payment, why] of over) {
    await it.put(id, { payment });
    for (const path of ["", "/callback?amount=21000"]) {
      const answer = await json(it, `${url}${path}`);
      assertEquals(answer.status, "ERROR");
      assertMatch(answer.reason, why);
    }
  }
});

Deno.test("verify knows the order's own invoices, also given up ones, and no others", async () => {
  await using it = await PayScene.open();
  const [one, other] = [await it.order(), await it.order({ customer_order_id: "other" })];
  const hashOf = (bolt11: string) => {
    const read = decodeBolt11(bolt11);
    return read.ok ? read.invoice.paymentHash : "";
  };
  const verify = (hash: string) => json(it, `${urlIn(one.links.lnurl!)}/verify/${hash}`);
  assertEquals((await verify(hashOf(other.bolt11))).reason, "Not found");
  assertEquals((await verify("x")).reason, "Not found");
  await it.api.app.database.transaction((tx) =>
    tx.updateTable("invoices").set({ state: "void" }).where("order_id", "=", one.id).execute()
  );
  assertEquals((await verify(hashOf(one.bolt11))).settled, false);
});

Deno.test("a wallet that can't commit to a hash gets no LNURL, its page stays", async () => {
  await using it = await PayScene.open();
  Object.assign(it.wallet.caps, { descriptionHash: false });
  const { links, bolt11 } = await it.order();
  assertEquals(Object.keys(links), ["url"]);
  const read = decodeBolt11(bolt11);
  assertMatch(read.ok && read.invoice.description || "", /^Order /);
  const answer = await json(it, links.url!.replace("/pay/", "/lnurl/"));
  assertMatch(answer.reason, /^The present invoice can't be paid this way/);
});

Deno.test("a wallet that says it can and refuses makes a plain invoice all the same", async () => {
  await using it = await PayScene.open();
  it.wallet.faults.next("createInvoice", { do: "fail", kind: "refused" });
  const { links } = await it.order();
  assertEquals(Object.keys(links), ["url"]);
});

for (const [options, types] of [["ln", []], ["url", ["url"]], ["lnurl", ["lnurl"]]] as const) {
  Deno.test(`NCC_PAYMENT_OPTIONS=${options} offers ${["ln", ...types].join(" and ")}`, async () => {
    await using it = await PayScene.open(options);
    const { links } = await it.order();
    assertEquals(Object.keys(links), [...types]);
  });
}
