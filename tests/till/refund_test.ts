import { assert, assertEquals } from "@std/assert";
import { Till } from "./scene.ts";

/** An invoice over 15.50 EUR (31,000 sat) that is paid. */
async function sold(till: Till, reference = "cart-1"): Promise<string> {
  const made = await till.invoice({ reference, amount_msat: undefined, amount: "15.50", currency: "EUR" });
  await till.pays(made.bolt11);
  await till.becomes(made.id, "paid");
  return made.id;
}

async function invoiceOver(till: Till, sat: number): Promise<string> {
  const made = await till.purse.createInvoice({
    amountMsat: BigInt(sat) * 1000n,
    description: "back",
    expirySeconds: 86_400,
    externalId: "",
  }, new AbortController().signal);
  return made.bolt11;
}

Deno.test("money goes back once for each reference, to where the till says, when a person has approved it", async () => {
  await using till = await Till.open();
  const id = await sold(till);
  const give = (body: Record<string, unknown>) => till.ask("POST", `/${id}/refund`, body);
  const destination = await invoiceOver(till, 4_000);
  const first = await give({ reference: "r1", amount: "2.00", destination, reason: "A chip" });
  assertEquals([first.status, first.body.state, first.body.refunding_msat], [200, "paid", "4000000"]);
  const [refund] = first.body.refunds;
  assertEquals(
    [refund.reference, refund.amount_msat, refund.state, refund.destination],
    ["r1", "4000000", "due", destination],
  );
  for (const body of [{ amount: "2" }, { amount: "2.00", destination }, {}, { amount_msat: "4000000" }]) {
    assertEquals((await give({ reference: "r1", ...body })).body.refunds.length, 1, JSON.stringify(body));
  }
  for (const body of [{ amount: "2.01" }, { amount: "1.99" }, { amount_msat: "4001000" }]) {
    const other = await give({ reference: "r1", ...body });
    assertEquals([other.status, other.body.code], [409, "wrong_state"], JSON.stringify(body));
  }

  assertEquals((await till.api.get(`/refunds/${refund.id}`)).body.customer, null);
  assertEquals((await till.api.post(`/refunds/${refund.id}/approve`)).status, 200);
  await till.until(async () => (await till.see(id)).refunds[0].state === "sent");
  const sent = await till.see(id);
  assertEquals([sent.state, sent.refunding_msat, sent.received_msat], ["paid", "4000000", "31000000"]);
  const elsewhere = await give({ reference: "r1", destination: await invoiceOver(till, 4_000) });
  assertEquals(elsewhere.status, 409);

  // All that is left: the sale is over.
  const whole = await give({ reference: "r2", destination: await invoiceOver(till, 27_000) });
  assertEquals([whole.body.state, whole.body.refunding_msat], ["refund_due", "31000000"]);
  const rest = whole.body.refunds.find((one: { reference: string }) => one.reference === "r2");
  assertEquals(rest.amount_msat, "27000000");
  await till.api.post(`/refunds/${rest.id}/approve`);
  await till.becomes(id, "refunded");
  const [messages, told] = [await till.rows("messages"), await till.rows("outbox_events")];
  assertEquals([messages, told.filter((row) => row.order_id !== null)], [[], []]);
  assertEquals((await give({ reference: "r3", amount_msat: "1000" })).status, 409);
});

Deno.test("parts of a price come to the whole, however they are rounded", async () => {
  await using till = await Till.open({ settings: { NCC_RATES: "fixed:EUR=97531.7" } });
  const id = await sold(till);
  for (const [n, amount] of ["3.33", "4.44", "5.55", "2.18"].entries()) {
    const back = await till.ask("POST", `/${id}/refund`, { reference: `r${n}`, amount });
    assertEquals(back.status, 200, `${amount}: ${JSON.stringify(back.body)}`);
    const again = await till.ask("POST", `/${id}/refund`, { reference: `r${n}`, amount });
    assertEquals([again.status, again.body.refunds.length], [200, n + 1]);
  }
  const seen = await till.see(id);
  assertEquals([seen.state, seen.refunding_msat], ["refund_due", seen.received_msat]);
});

Deno.test("what can't be given back is refused, and changes nothing", async () => {
  await using till = await Till.open();
  const open = await till.invoice({ reference: "open" });
  const early = await till.ask("POST", `/${open.id}/refund`, { reference: "r1" });
  assertEquals([early.status, early.body.code], [409, "wrong_state"]);
  const id = await sold(till);
  const refusals: [Record<string, unknown>, number, string?][] = [
    [{ amount_msat: "31000001" }, 409],
    [{ amount: "15.51" }, 409],
    [{ amount: "0.00" }, 422, "/amount"],
    [{ amount_msat: "1000", amount: "1" }, 422],
    [{ destination: "nobody" }, 422, "/destination"],
    [{ destination: await invoiceOver(till, 30_999) }, 422, "/destination"],
    [{ amount_msat: "1000", destination: open.bolt11 }, 422, "/destination"],
    [{ reference: "" }, 422],
    [{ reference: "x\u0000" }, 422],
  ];
  for (const [body, status, pointer] of refusals) {
    const refused = await till.ask("POST", `/${id}/refund`, { reference: "r1", ...body });
    assertEquals(refused.status, status, JSON.stringify([body, refused.body]));
    if (pointer !== undefined) assertEquals(refused.body.errors[0].pointer, pointer);
  }
  const seen = await till.see(id);
  assertEquals([seen.state, seen.refunds], ["paid", []]);
});

Deno.test("within the limit nobody has to approve it; without a destination the owners give it back by hand", async () => {
  await using till = await Till.open({
    settings: { NCC_REFUND_LIMIT: "1000", NCC_REFUND_BUDGET: "1500", NCC_OWNERS: "a".repeat(64) },
  });
  const id = await sold(till);
  const give = async (reference: string, sat: number) => {
    const destination = await invoiceOver(till, sat);
    const amount_msat = String(sat * 1000);
    return (await till.ask("POST", `/${id}/refund`, { reference, amount_msat, destination })).body.refunds.at(
      -1,
    );
  };
  assertEquals((await give("r1", 1_000)).state !== "due", true);
  await till.until(async () => (await till.see(id)).refunds[0].state === "sent");
  assertEquals((await give("r2", 501)).state, "due");
  assertEquals((await give("r3", 1_001)).state, "due");
  const blind = await till.ask("POST", `/${id}/refund`, { reference: "r4", amount_msat: "2000" });
  const by = blind.body.refunds.find((one: { reference: string }) => one.reference === "r4");
  assertEquals([by.state, by.destination], ["due", null]);
  assertEquals((await till.api.post(`/refunds/${by.id}/approve`)).status, 409);
  assertEquals((await till.api.post(`/refunds/${by.id}/by_hand`, { note: "Cash" })).status, 200);
  const texts = async () => (await till.rows("notices")).map((row) => String(row.text));
  await till.until(async () => (await texts()).some((text) => text.includes("by-hand")));
  assert((await texts()).some((text) => text.includes("The till has said where")));
});

Deno.test("what is due by itself takes its reference and destination from the till", async () => {
  await using till = await Till.open();
  const made = await till.invoice();
  await till.ask("POST", `/${made.id}/cancel`, {});
  await till.pays(made.bolt11);
  const due = await till.becomes(made.id, "refund_due");
  assertEquals(due.refunds.map((one: { reference: null }) => one.reference), [null]);
  const destination = await invoiceOver(till, 21);
  const named = await till.ask("POST", `/${made.id}/refund`, { reference: "r1", destination });
  assertEquals([named.status, named.body.refunds.length], [200, 1]);
  const [refund] = named.body.refunds;
  assertEquals([refund.id, refund.reference, refund.destination], [due.refunds[0].id, "r1", destination]);
  const second = await till.ask("POST", `/${made.id}/refund`, { reference: "r2" });
  assertEquals(second.status, 409);
  // As long as nobody has approved it, it may go elsewhere.
  const other = await invoiceOver(till, 21);
  const moved = await till.ask("POST", `/${made.id}/refund`, { reference: "r1", destination: other });
  assertEquals(moved.body.refunds[0].destination, other);
  await till.api.post(`/refunds/${refund.id}/approve`);
  await till.becomes(made.id, "refunded");
});

Deno.test("a destination that can't be used any more is taken off, the owners are told, and the till names another", async () => {
  await using till = await Till.open({ settings: { NCC_OWNERS: "a".repeat(64) } });
  const id = await sold(till);
  const give = async (destination: string) =>
    (await till.ask("POST", `/${id}/refund`, { reference: "r1", amount_msat: "1000000", destination })).body
      .refunds[0];
  const refund = await give(await invoiceOver(till, 1_000));
  till.clock.jump(25 * 3_600_000);
  assertEquals((await till.api.post(`/refunds/${refund.id}/approve`)).status, 409);
  const [asked] = (await till.see(id)).refunds;
  assertEquals([asked.state, asked.destination], ["due", null]);
  const texts = async () => (await till.rows("notices")).map((row) => String(row.text));
  await till.until(async () => (await texts()).some((text) => text.includes("couldn't be sent")));
  const destination = await invoiceOver(till, 1_000);
  assertEquals((await give(destination)).destination, destination);
  assertEquals((await till.api.post(`/refunds/${refund.id}/approve`)).status, 200);
  await till.until(async () => (await till.see(id)).refunds[0].state === "sent");
});
