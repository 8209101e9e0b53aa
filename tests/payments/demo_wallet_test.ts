import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeBolt11 } from "../../src/payments/bolt11.ts";
import { demoJournalFile } from "../../src/payments/demo_journal_file.ts";
import type { DemoJournal } from "../../src/payments/demo_ledger.ts";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { checkInvoice } from "../../src/payments/invoice_check.ts";
import { type CreatedInvoice, type PaymentHint, WalletError } from "../../src/payments/wallet.ts";
import { systemRandom } from "../../src/random.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";

const request = { amountMsat: 21_000_000n, description: "Order 1", expirySeconds: 900, externalId: "1#1" };
const forEver = new AbortController().signal;

function demo(journal: DemoJournal | null = null) {
  const clock = new FakeClock();
  return { clock, wallet: new DemoWallet({ clock, random: systemRandom, log: silentLog, journal }) };
}

Deno.test("the demo wallet's invoices pass the check, and are paid when it is told so, once", async () => {
  const { wallet, clock } = demo();
  const hints: PaymentHint[] = [];
  wallet.subscribe((hint) => hints.push(hint));
  const { bolt11, paymentHash } = await wallet.createInvoice(request, forEver);
  const ref = { bolt11, paymentHash: paymentHash!, createdAt: clock.now() };
  assert(checkInvoice(bolt11, { ...request, paymentHash, setsExpiry: true, now: clock.now() }, "bcrt").ok);
  assertEquals(await wallet.lookup(ref, forEver), { status: "open" });
  const both = await Promise.all([wallet.settle(bolt11), wallet.settle(paymentHash!)]);
  assertEquals(both.map((settled) => settled.ok), [true, false]);
  assertEquals(hints, [{ paymentHash: paymentHash! }]);
  assertEquals(await wallet.lookup(ref, forEver), {
    status: "settled",
    amountMsat: 21_000_000n,
    settledAt: clock.now(),
  });
  assertEquals(await wallet.lookup({ ...ref, paymentHash: "00".repeat(32) }, forEver), {
    status: "not_found",
  });
});

Deno.test("the demo wallet takes no payment of an expired invoice, unless told to", async () => {
  const { wallet, clock } = demo();
  const { bolt11, paymentHash } = await wallet.createInvoice(request, forEver);
  await clock.advance(900_000);
  assertEquals(await wallet.lookup({ bolt11, paymentHash: paymentHash!, createdAt: 0 }, forEver), {
    status: "expired",
  });
  assert(!(await wallet.settle(bolt11)).ok);
  const late = await wallet.settle(bolt11.toUpperCase(), { late: true, amountMsat: 1n });
  assert(late.ok && late.amountMsat === 1n);
});

Deno.test("a journal carries invoices and payments over a restart, and a line that a crash cut off harms nothing", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/demo-wallet.jsonl`;
    const first = demo(demoJournalFile(path)).wallet;
    const made = await Promise.all([1, 2].map(() => first.createInvoice(request, forEver)));
    await first.settle(made[0]!.bolt11);
    await Deno.writeTextFile(path, '{"settled":"', { append: true });
    const again = demo(demoJournalFile(path)).wallet;
    const third = await again.createInvoice(request, forEver);
    const last = demo(demoJournalFile(path)).wallet;
    const states = await Promise.all(
      [...made, third].map((invoice) =>
        last.lookup({ bolt11: invoice.bolt11, paymentHash: invoice.paymentHash!, createdAt: 0 }, forEver)
      ),
    );
    assertEquals(states.map((state) => state.status), ["settled", "open", "open"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("the demo wallet can refuse, lose its answer, and answer late", async () => {
  const { wallet, clock } = demo();
  wallet.faults.next("createInvoice", { do: "fail", kind: "busy" }, { do: "lose" }, {
    do: "delay",
    ms: 9_000,
  });
  const failed = await assertRejects(
    () => wallet.createInvoice(request, forEver),
    WalletError,
  ) as WalletError;
  assertEquals(failed.kind, "busy");

  const late: CreatedInvoice[] = [];
  const patience = async () => {
    const wait = new AbortController();
    const answer = wallet.createInvoice({ ...request, onLate: (invoice) => late.push(invoice) }, wait.signal);
    answer.catch(() => {});
    await settle();
    wait.abort();
    return assertRejects(() => answer, WalletError) as Promise<WalletError>;
  };
  assertEquals((await patience()).kind, "no_answer");
  assertEquals((await patience()).kind, "no_answer");
  await clock.advance(9_000);
  assertEquals(late.length, 1);
  assert(decodeBolt11(late[0]!.bolt11).ok);
  assertEquals((await wallet.invoices()).length, 2);
});
