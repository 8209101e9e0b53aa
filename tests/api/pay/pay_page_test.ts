import { createHash } from "node:crypto";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { PaymentState } from "../../../src/db/tables.ts";
import { eraseOrders } from "../../../src/app/erase_store.ts";
import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import { invoiceText } from "../../../src/payments/invoice_text.ts";
import { CANARY, PayScene, PUBLIC } from "./scene.ts";

const count = (text: string, part: string) => text.split(part).length - 1;

Deno.test("the page shows amount, code, link, text and reference of the order's invoice", async () => {
  await using it = await PayScene.open();
  const { id, bolt11, links } = await it.order();
  assertMatch(links.url!, /^https:\/\/localhost\/pay\/[\w-]{22}$/);
  const { status, text, headers } = await it.get(links.url!);
  assertEquals([status, headers.get("content-type")], [200, "text/html; charset=UTF-8"]);
  assertStringIncludes(text, "<strong>21 sat</strong>");
  assertStringIncludes(text, `href="lightning:${bolt11}"`);
  assertStringIncludes(text, `>${bolt11}</textarea>`);
  assertStringIncludes(text, invoiceText(it.api.merchant, id));
  assertStringIncludes(text, "Waiting for your payment.");
  assertStringIncludes(text, '<svg role="img" aria-label="QR code of the Lightning invoice"');
  assert(new TextEncoder().encode(text).length < 30_000, `${text.length} characters`);
});

const states: [PaymentState, string, boolean][] = [
  ["quoting", "Your invoice is being made.", true],
  ["held", "Your payment is on its way.", true],
  ["paid", "Paid. Thank you!", false],
  ["overpaid", "Paid. Thank you!", false],
  ["refund_due", "it goes back to you", false],
  ["refunded", "it goes back to you", false],
  ["expired", "The time to pay has run out.", true],
  ["cancelled", "There is nothing to pay here any more.", false],
  ["rejected", "There is nothing to pay here any more.", false],
  ["failed", "There is nothing to pay here any more.", false],
];

Deno.test("the page says where the payment stands, offers nothing to pay then, and looks again while something may follow", async () => {
  await using it = await PayScene.open();
  const { id, bolt11, links } = await it.order();
  const waiting = await it.get(links.url!);
  assertStringIncludes(waiting.text, '<noscript><meta http-equiv="refresh" content="10"></noscript>');
  for (const [payment, words, follows] of states) {
    await it.put(id, { payment });
    const { status, text } = await it.get(links.url!);
    assertEquals(status, 200, payment);
    assertStringIncludes(text.replace(/&#39;/g, "'"), words, payment);
    assert(!text.includes(bolt11) && !text.includes("<svg") && !text.includes("lightning:"), payment);
    assertEquals([text.includes("<script>"), text.includes("http-equiv")], [follows, follows], payment);
  }
});

Deno.test("a payment shows: the state that the page's script asks for changes, and the page with it", async () => {
  await using it = await PayScene.open();
  const { id, bolt11, links } = await it.order();
  const state = async () => JSON.parse((await it.get(`${links.url}/state`)).text);
  const before = await state();
  const read = decodeBolt11(bolt11);
  assertEquals(before, { state: "waiting", payment_hash: read.ok && read.invoice.paymentHash });
  assertStringIncludes((await it.get(links.url!)).text, `data-invoice="${before.payment_hash}"`);
  await it.wallet.settle(bolt11);
  await it.until(id, "paid", 100);
  assertEquals(await state(), { state: "paid", payment_hash: null });
  assertStringIncludes((await it.get(links.url!)).text, "Paid. Thank you!");
});

Deno.test("who has paid on-chain isn't asked to pay again while no block has it", async () => {
  await using it = await PayScene.open();
  const { id, links } = await it.order();
  const now = it.api.clock.now();
  const own = { address: "bcrt1q", merchant: it.api.merchant, order_id: id, told_at: now, created_at: now };
  await it.api.app.database.transaction(async (tx) => {
    await tx.insertInto("chain_addresses").values({
      ...own,
      script_hash: "",
      network: "bcrt",
      account: "btc:1",
      address_index: 0,
      next_lookup_at: now,
    }).execute();
    const { total_msat } = await tx.selectFrom("orders").select("total_msat").where("id", "=", id)
      .executeTakeFirstOrThrow();
    const output = { txid: "a", vout: 0, address: own.address, amount_sat: total_msat / 1000, height: null };
    await tx.insertInto("chain_outputs").values({
      ...output,
      state: "seen",
      first_seen_at: now,
      updated_at: now,
    }).execute();
  });
  assertMatch((await it.get(links.url!)).text, /Your payment is on its way/);
  assertEquals(JSON.parse((await it.get(`${links.url}/state`)).text), { state: "held", payment_hash: null });
});

Deno.test("what the shop calls itself is text on the page, never markup", async () => {
  await using it = await PayScene.open();
  const { links } = await it.order();
  const name = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>&amp;`;
  await it.api.app.database.transaction((tx) => tx.updateTable("merchants").set({ name }).execute());
  const { text } = await it.get(links.url!);
  assert(!text.includes("<img") && !text.includes("<script>alert"));
  assertStringIncludes(text, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;&lt;img");
  assertStringIncludes(text, "&amp;amp;");
  assertEquals([count(text, "<script>"), count(text, "<title>")], [1, 1]);
});

Deno.test("the page may run and show what its policy names by hash, and reach nobody", async () => {
  await using it = await PayScene.open();
  const { links } = await it.order();
  const { text, headers } = await it.get(links.url!);
  const policy = headers.get("content-security-policy")!;
  const hashOf = (tag: string) => {
    const [, content] = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(text)!;
    return `'sha256-${createHash("sha256").update(content!).digest("base64")}'`;
  };
  assertEquals(
    policy,
    `default-src 'none'; style-src ${hashOf("style")}; script-src ${hashOf("script")}; connect-src 'self'; ` +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  assertEquals(text.match(/\b(src|style|on\w+)=/g), null);
  assertEquals(text.match(/https?:/g), null);
  assertEquals(
    ["referrer-policy", "x-robots-tag", "cache-control", "x-frame-options"].map((name) => headers.get(name)),
    ["no-referrer", "noindex, nofollow", "no-store", "DENY"],
  );
  assertStringIncludes(text, '<meta name="robots" content="noindex, nofollow">');
  assertEquals(
    (await it.get("/healthz")).headers.get("content-security-policy"),
    "default-src 'none'; frame-ancestors 'none'",
  );
});

Deno.test("nothing of the customer or the goods stands on page, state or LNURL, in any state", async () => {
  await using it = await PayScene.open();
  const { id, links, bolt11 } = await it.order();
  await it.api.app.database.transaction((tx) =>
    tx.insertInto("order_items").values({
      order_id: id,
      line: 1,
      product_id: "canary-product",
      name: "canary product",
      quantity: 1,
      price: "21",
      currency: "sat",
      digital: 0,
    }).execute()
  );
  const token = links.url!.split("/").at(-1)!;
  const hash = JSON.parse((await it.get(`${links.url}/state`)).text).payment_hash;
  const lnurl = `${PUBLIC}/lnurl/${token}`;
  for (
    const payment of ["awaiting", "quoting", "held", "paid", "refund_due", "expired", "cancelled"] as const
  ) {
    await it.put(id, { payment });
    for (
      const url of [
        links.url!,
        `${links.url}/state`,
        lnurl,
        `${lnurl}/callback?amount=21000`,
        `${lnurl}/verify/${hash}`,
      ]
    ) {
      const { status, text, headers } = await it.get(url);
      const all = `${text} ${JSON.stringify([...headers])}`;
      assertEquals(status, 200, url);
      assert(
        !/canary/i.test(all) && !all.includes(CANARY.customer) && !all.includes(id),
        `${payment} ${url}`,
      );
    }
  }
  assert(bolt11 !== "");
});

Deno.test("what isn't there, isn't there any more or never was is answered alike", async () => {
  await using it = await PayScene.open();
  const { id, links } = await it.order();
  const token = links.url!.split("/").at(-1)!;
  const wrong = ["x", "A".repeat(22), token.slice(1), `${token}A`, token.toUpperCase(), "%00", "__proto__"];
  const told = async (path: string) => {
    const { status, text } = await it.get(path);
    return `${status} ${text}`;
  };
  const pages = new Set(await Promise.all(wrong.map((one) => told(`/pay/${one}`))));
  assertEquals(pages.size, 1, [...pages].join());
  assertMatch([...pages][0]!, /^404 [^]*<h1>Not found<\/h1>/);
  assertEquals(await told(`/pay/${wrong[1]}/state`), '404 {"reason":"unknown"}');
  it.api.clock.jump(60_000);
  // The order is forgotten: its address leads nowhere, and another one's if it is ever asked for again.
  await it.api.app.database.transaction((tx) => eraseOrders(tx, [id], it.api.clock.now()));
  assertEquals(await told(`/pay/${token}`), [...pages][0]);
  assertStringIncludes(await told(`/lnurl/${token}`), '404 {"status":"ERROR"');
});

Deno.test("each order has an address of its own, and keeps it", async () => {
  await using it = await PayScene.open();
  const [one, other] = [await it.order(), await it.order({ customer_order_id: "other" })];
  assert(one.links.url !== other.links.url);
  await it.put(one.id, { payment: "quoting" });
  await it.api.app.database.transaction((tx) =>
    tx.updateTable("invoices").set({ state: "void" }).where("order_id", "=", one.id).execute()
  );
  await it.invoice(one.id);
  const { invoices } = (await it.api.get(`/orders/${one.id}`)).body;
  assertEquals(invoices.length, 2);
  assertEquals(invoices[1].links, invoices[0].links);
  assert(invoices[1].bolt11 !== one.bolt11);
  assertStringIncludes((await it.get(one.links.url!)).text, invoices[1].bolt11);
});

Deno.test("who guesses addresses is soon not answered, whatever page it is", async () => {
  await using it = await PayScene.open();
  const { links } = await it.order();
  const statuses = new Set<number>();
  // Each counts for 30 of 600, and the last one for what is left.
  await it.get(links.url!);
  for (let n = 0; n < 21; n++) statuses.add((await it.get(`/pay/${"A".repeat(21)}${n % 10}`)).status);
  assertEquals([...statuses], [404, 429]);
  const refused = await it.get(links.url!);
  assertEquals([refused.status, refused.headers.get("retry-after")], [429, "60"]);
  const lnurl = await it.get(links.url!.replace("/pay/", "/lnurl/"));
  assertEquals([lnurl.status, JSON.parse(lnurl.text).status], [429, "ERROR"]);
  it.api.clock.jump(60_000);
  assertEquals((await it.get(links.url!)).status, 200);
});

Deno.test("an order's address stands in no line of the log", async () => {
  await using it = await PayScene.open();
  const { links } = await it.order();
  const token = links.url!.split("/").at(-1)!;
  await it.get(links.url!);
  await it.get(`${links.url}/more`);
  await it.api.app.database.transaction((tx) => tx.schema.alterTable("orders").renameTo("gone").execute());
  assertEquals((await it.get(links.url!)).status, 500);
  assert(it.lines.some(({ event }) => event === "api.fault"));
  assert(!JSON.stringify(it.lines).includes(token));
  await it.api.app.database.transaction((tx) => tx.schema.alterTable("gone").renameTo("orders").execute());
});
