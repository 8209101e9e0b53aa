import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeBolt11 } from "../../../src/payments/bolt11.ts";
import { checkInvoice } from "../../../src/payments/invoice_check.ts";
import {
  type CreatedInvoice,
  type IncomingPayment,
  type InvoiceRef,
  type InvoiceStatus,
  type PaymentHint,
  type Wallet,
  WalletError,
  type WalletErrorKind,
} from "../../../src/payments/wallet.ts";

/** A wallet with its server: a real one, or one that answers as a real one was recorded or documented to. */
export interface Subject extends AsyncDisposable {
  readonly wallet: Wallet;
  /** What must show in no message: keys, macaroons, passwords. */
  readonly secrets: readonly string[];
  /** Somebody pays the invoice. */
  pay(bolt11: string): Promise<void>;
  /** The same connection with a secret that isn't valid. Left out where there is none. */
  intruder?(): Promise<Wallet>;
  /** From now on the server can't be reached. Left out where it can't be arranged. */
  stop?(): Promise<void>;
  /** How long to wait for one that can't be reached, where it isn't known at once: it may come back. */
  unreachableMs?: number;
  /** Resolves when the wallet listens to its server, where that takes a moment: what is paid before is no news. */
  listening?(): Promise<void>;
  /** Its protocol has hashes of descriptions, and this server shows the description all the same. */
  ignoresHash?: boolean;
  /** The next answer to `createInvoice` is lost on the way, and comes too late. */
  loseAnswer?(): void;
  /** An invoice of somebody else's, of so many msat, which this wallet is to pay; `payable` false: nobody can. */
  theirInvoice?(amountMsat: bigint, payable: boolean): Promise<string>;
}

/** Longer than any server here takes; only what hangs meets it. */
const PATIENCE_MS = 30_000;
const soon = () => AbortSignal.timeout(PATIENCE_MS);
const AMOUNT = 21_000_000n;
let count = 0;

/** Registers the tests that every wallet has to pass (design §5), by what its `caps` promise. */
export function walletContract(
  name: string,
  open: () => Promise<Subject>,
  o: Pick<Deno.TestDefinition, "ignore" | "sanitizeOps" | "sanitizeResources"> = {},
): void {
  const test = (what: string, fn: (subject: Subject) => Promise<void>) =>
    Deno.test({
      name: `${name}: ${what}`,
      ...o,
      fn: async () => {
        await using subject = await open();
        await fn(subject);
      },
    });

  test("an invoice is what was asked for, open, then settled with its amount and time", async ({ wallet, pay }) => {
    const { created, ref } = await make(wallet);
    const network = (await wallet.probe(soon())).network ?? "bc";
    const checked = checkInvoice(created.bolt11, {
      ...asked(),
      ...(created.description === "theirs" && { description: null }),
      descriptionHash: created.descriptionHash,
      paymentHash: created.paymentHash,
      setsExpiry: wallet.caps.expiry,
      now: Date.now(),
    }, network);
    assert(checked.ok, checked.ok ? "" : checked.reason);
    assertEquals((await wallet.lookup(ref, soon())).status, "open");
    await pay(created.bolt11);
    const status = await untilStatus(wallet, ref, "settled");
    assert(status.status === "settled");
    assert(status.amountMsat === null || status.amountMsat === AMOUNT, `${status.amountMsat} msat`);
    assert(Math.abs(status.settledAt - Date.now()) < 120_000, `settled at ${new Date(status.settledAt)}`);
    assertEquals((await wallet.lookup(ref, soon())).status, "settled");
  });

  test("an invoice commits to a text where the wallet can", async ({ wallet, pay, ignoresHash }) => {
    if (!wallet.caps.descriptionHash) return;
    const hashedText = '[["text/plain","Order 42 ☕"]]';
    const created = await wallet.createInvoice({ ...asked(), hashedText }, soon());
    const read = decodeBolt11(created.bolt11);
    assert(read.ok);
    if (ignoresHash) return assertEquals(read.invoice.description, asked().description);
    assertEquals(read.invoice.descriptionHash, await digest(new TextEncoder().encode(hashedText).toHex()));
    await pay(created.bolt11);
    const { paymentHash } = read.invoice;
    const ref = { paymentHash, bolt11: created.bolt11, createdAt: Date.now(), ref: created.ref ?? null };
    await untilStatus(wallet, ref, "settled");
  });

  test("two invoices of the same amount are two, each looked up by itself", async ({ wallet, pay }) => {
    const [one, other] = [await make(wallet), await make(wallet)];
    assert(one.ref.paymentHash !== other.ref.paymentHash);
    await pay(other.created.bolt11);
    await untilStatus(wallet, other.ref, "settled");
    assertEquals((await wallet.lookup(one.ref, soon())).status, "open");
  });

  test("an invoice that it never made is not found", async ({ wallet }) => {
    const { ref } = await make(wallet);
    const status = await wallet.lookup({ ...ref, paymentHash: "ab".repeat(32), ref: null }, soon())
      .catch((error) => error);
    // A wallet that finds invoices by its own name for them only may say that it can't tell.
    if (status instanceof WalletError) assertEquals(status.kind, "bad_answer");
    else assertEquals(status.status, "not_found");
  });

  test("who isn't allowed is told so, and no secret shows", async (subject) => {
    assert(!subject.secrets.some((secret) => subject.wallet.describe().includes(secret)));
    assert(!subject.secrets.some((secret) => subject.wallet.id.includes(secret)));
    if (!subject.intruder) return;
    const intruder = await subject.intruder();
    try {
      await fails(() => make(intruder), ["unauthorized"], subject);
    } finally {
      await intruder.close();
    }
  });

  test("a server that can't be reached is unreachable, and nothing was asked", async (subject) => {
    if (!subject.stop) return;
    const { ref } = await make(subject.wallet);
    await subject.stop();
    const signal = () => AbortSignal.timeout(subject.unreachableMs ?? PATIENCE_MS);
    await fails(() => subject.wallet.createInvoice(asked(), signal()), ["unreachable"], subject);
    await fails(() => subject.wallet.lookup(ref, signal()), ["unreachable"], subject);
  });

  test("an answer that doesn't come in time is no answer, and is told when it comes", async (subject) => {
    if (!subject.loseAnswer) return;
    subject.loseAnswer();
    const late = Promise.withResolvers<CreatedInvoice>();
    const request = { ...asked(), onLate: late.resolve };
    await fails(
      () => subject.wallet.createInvoice(request, AbortSignal.timeout(300)),
      ["no_answer"],
      subject,
    );
    // Not every protocol has a way to hear it later.
    if (subject.wallet.caps.subscribe === "live" && subject.wallet.kind === "nwc") await late.promise;
  });

  test("it hints at a payment by itself", async ({ wallet, pay, listening }) => {
    if (!wallet.subscribe) return assertEquals(wallet.caps.subscribe, "none");
    const hinted = Promise.withResolvers<PaymentHint>();
    const { created, ref } = await make(wallet);
    const unsubscribe = wallet.subscribe((hint) => {
      if (hint.paymentHash === undefined && hint.ref === undefined) return;
      if (hint.paymentHash === ref.paymentHash || hint.ref === ref.ref) hinted.resolve(hint);
    });
    try {
      await listening?.();
      await pay(created.bolt11);
      await hinted.promise;
    } finally {
      unsubscribe();
    }
  });

  test("its list of what came in has what was paid and nothing else", async ({ wallet, pay }) => {
    if (!wallet.listIncoming) return;
    const [paid, unpaid] = [await make(wallet), await make(wallet)];
    await pay(paid.created.bolt11);
    await untilStatus(wallet, paid.ref, "settled");
    const listed: IncomingPayment[] = [];
    for (let offset: number | null = 0; offset !== null;) {
      const query = { since: Date.now() - 600_000, until: Date.now() + 600_000, offset };
      const page = await wallet.listIncoming(query, soon());
      listed.push(...page.settled);
      offset = page.next;
    }
    const [found, ...more] = listed.filter(({ paymentHash }) => paymentHash === paid.ref.paymentHash);
    assert(found && more.length === 0, `what was paid is in the list ${found ? "again" : "nowhere"}`);
    assert(!listed.some(({ paymentHash }) => paymentHash === unpaid.ref.paymentHash), "it wasn't paid");
    // By what the list says of it the wallet knows it, too, and calls it as it did when it was made.
    assertEquals(found.ref ?? null, paid.ref.ref);
    const { paymentHash, bolt11, createdAt } = found;
    const ref = { paymentHash, bolt11: bolt11 ?? "", createdAt: createdAt ?? 0, ref: found.ref ?? null };
    assertEquals((await wallet.lookup(ref, soon())).status, "settled");
  });

  test("a cancelled invoice can't be paid, and cancelling it again changes nothing", async ({ wallet, pay }) => {
    if (!wallet.caps.cancel) return assertEquals(wallet.cancel, undefined);
    const { created, ref } = await make(wallet);
    await wallet.cancel!(ref, soon());
    await wallet.cancel!(ref, soon());
    const { status } = await wallet.lookup(ref, soon());
    assert(status === "cancelled" || status === "expired" || status === "not_found", status);
    await assertRejects(() => pay(created.bolt11));
  });

  test("it pays an invoice once, with the preimage as proof; what can't be paid has failed", async (subject) => {
    const { wallet } = subject;
    if (!wallet.caps.pay) return assertEquals(wallet.pay, undefined);
    if (!subject.theirInvoice) return;
    const [good, bad] = [await subject.theirInvoice(2_000n, true), await subject.theirInvoice(3_000n, false)];
    const paid = await wallet.pay!(outgoing(good, 2_000n), soon());
    assertEquals(await digest(paid.preimage), hashOf(good));
    const again = await wallet.pay!(outgoing(good, 2_000n), soon()).catch((error) => error);
    if (again instanceof Error) assert(again instanceof WalletError, String(again));
    else assertEquals(again.preimage, paid.preimage);
    const looked = await wallet.lookupPayment!(reference(good), soon());
    assert(looked.status === "settled", looked.status);
    const failed = await wallet.pay!(outgoing(bad, 3_000n), soon()).then(() => null, (error) => error);
    assert(failed instanceof WalletError, "a payment that nobody can make was made");
    const after = await wallet.lookupPayment!(reference(bad), soon());
    assert(
      after.status === "failed" || after.status === "not_found" || after.status === "pending",
      after.status,
    );
  });

  test("what is held waits: settled it is paid, cancelled it goes back", async ({ wallet, pay }) => {
    if (!wallet.caps.hold) return assertEquals(wallet.hold, undefined);
    for (const end of ["settled", "cancelled"] as const) {
      const preimage = crypto.getRandomValues(new Uint8Array(32)).toHex();
      const paymentHash = await digest(preimage);
      const created = await wallet.hold!.create({ ...asked(), paymentHash }, soon());
      const ref = { paymentHash, bolt11: created.bolt11, createdAt: Date.now(), ref: created.ref ?? null };
      assertEquals(hashOf(created.bolt11), paymentHash);
      const paying = pay(created.bolt11).then(() => "paid", () => "given back");
      await untilStatus(wallet, ref, "held");
      if (end === "settled") await wallet.hold!.settle(preimage, soon());
      else await wallet.hold!.cancel(paymentHash, soon());
      assertEquals(await paying, end === "settled" ? "paid" : "given back");
      assertEquals((await untilStatus(wallet, ref, end)).status, end);
    }
  });
}

function asked() {
  return {
    amountMsat: AMOUNT,
    description: "Order of the contract",
    expirySeconds: 900,
    externalId: `contract-${crypto.randomUUID()}#${++count}`,
  };
}

async function make(wallet: Wallet): Promise<{ created: CreatedInvoice; ref: InvoiceRef }> {
  const created = await wallet.createInvoice(asked(), soon());
  const { bolt11, ref } = created;
  const paymentHash = created.paymentHash ?? hashOf(bolt11);
  return { created, ref: { paymentHash, bolt11, createdAt: Date.now(), ref: ref ?? null } };
}

/** Asks until the wallet says so: a payment takes its time, and some wallets book it a moment later. */
async function untilStatus(
  wallet: Wallet,
  ref: InvoiceRef,
  wanted: InvoiceStatus["status"],
): Promise<InvoiceStatus> {
  for (const end = Date.now() + PATIENCE_MS;;) {
    const status = await wallet.lookup(ref, soon());
    if (status.status === wanted) return status;
    if (Date.now() > end) throw new Error(`still ${status.status}, not ${wanted}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function fails(
  call: () => Promise<unknown>,
  kinds: WalletErrorKind[],
  { secrets }: Subject,
): Promise<void> {
  const error = await call().then(() => null, (error) => error);
  assert(error instanceof WalletError, String(error ?? "it went well"));
  assert(kinds.includes(error.kind), `${error.kind}: ${error.message}`);
  assert(!secrets.some((secret) => error.message.includes(secret)), "the message holds a secret");
}

function outgoing(bolt11: string, amountMsat: bigint) {
  return { bolt11, paymentHash: hashOf(bolt11), amountMsat, amountless: false, maxFeeMsat: 1_000n };
}

function reference(bolt11: string): InvoiceRef {
  return { bolt11, paymentHash: hashOf(bolt11), createdAt: Date.now() };
}

async function digest(preimage: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.fromHex(preimage))).toHex();
}

function hashOf(bolt11: string): string {
  const read = decodeBolt11(bolt11);
  if (!read.ok) throw new Error(read.reason);
  return read.invoice.paymentHash;
}
