import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../src/clock.ts";
import type { RelayPool } from "../../src/nostr/relay_pool.ts";
import { localSigner } from "../../src/nostr/signer.ts";
import { pureCrypto } from "../../src/nostr/verify.ts";
import { decodeBolt11 } from "../../src/payments/bolt11.ts";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { approveRefund, retryRefund } from "../../src/payments/refund_decisions.ts";
import { refundJobs } from "../../src/payments/refund_jobs.ts";
import { GuardedFetch } from "../../src/web/guarded_fetch.ts";
import { openRefund } from "../../src/payments/refunds.ts";
import { findRefund, updateRefund } from "../../src/payments/refunds_store.ts";
import type { Wallet } from "../../src/payments/wallet.ts";
import { openWallet } from "../../src/payments/wallet_url.ts";
import { systemRandom } from "../../src/random.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { startRunner } from "../support/jobs.ts";
import { silentLog } from "../support/log.ts";
import { serveNpmRelay } from "../support/npm_relay.ts";
import { NwcService } from "../support/nwc_service.ts";
import { testPool } from "../support/wire.ts";
import { MERCHANT, Shop, until } from "./shop.ts";

/** A refund of 100 sat that is paid through a wallet service which isn't ours, over a relay. */
async function refunding() {
  const stack = new AsyncDisposableStack();
  const database = stack.use(await freshDatabase());
  const relay = stack.use(await serveNpmRelay());
  const service = stack.use(await NwcService.start(relay.url));
  const shop = new Shop(database);
  shop.clock.jump(Date.now() - shop.clock.now());
  // The customer's own wallet.
  const purse = new DemoWallet({ clock: systemClock, random: systemRandom, log: silentLog });
  service.way = async (bolt11) => {
    const settled = await purse.settle(bolt11);
    return settled.ok ? settled.preimage : null;
  };
  const wallet = stack.use(spending(service.url));
  stack.use(
    await startRunner(
      database,
      shop.clock,
      refundJobs({
        database,
        clock: shop.clock,
        log: silentLog,
        payerOf: () => wallet,
        web: new GuardedFetch(),
      }),
    ),
  );
  const orderId = await shop.order({ payment: "refund_due", received_msat: 100_000, refunding_msat: 0 });
  const { bolt11 } = await purse.createInvoice(
    { amountMsat: 100_000n, description: "refund", expirySeconds: 3_600, externalId: "" },
    new AbortController().signal,
  );
  const read = decodeBolt11(bolt11);
  assert(read.ok);
  const now = shop.clock.now();
  const id = await database.transaction(async (tx) => {
    const opened = await openRefund(tx, {
      merchant: MERCHANT,
      orderId,
      customer: "b".repeat(64),
      amountMsat: 100_000n,
      reason: "Why",
      fact: "x",
    }, now);
    assert(opened.ok);
    const { paymentHash } = read.invoice;
    const refund = await updateRefund(
      tx,
      opened.refund,
      { destination: bolt11, payment_hash: paymentHash },
      now,
    );
    return refund.id;
  });
  const row = async () => (await findRefund(database.kysely, id))!;
  return {
    shop,
    service,
    row,
    approve: () =>
      database.transaction((tx) => approveRefund(tx, { id, by: "ann", canPay: true }, shop.clock.now())),
    retry: () => database.transaction((tx) => retryRefund(tx, id, shop.clock.now())),
    /** Time goes by until it is so: the wire needs its own. */
    is: async (state: string) => {
      for (let i = 0; (await row()).state !== state; i++) {
        assert(i < 200, `it never was ${state}`);
        await new Promise((resolve) => setTimeout(resolve, 60));
        await shop.clock.advance(9_000);
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function spending(url: string): Wallet & AsyncDisposable {
  let pool: RelayPool | undefined;
  const opened = openWallet(url, {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    verifier: pureCrypto,
    signer: (secretKey) => localSigner(secretKey, pureCrypto),
    pool: (signer) => pool = testPool({ signer }),
  });
  assert(opened.ok);
  const { wallet } = opened;
  return Object.assign(wallet, {
    [Symbol.asyncDispose]: async () => {
      await wallet.close();
      await pool?.[Symbol.asyncDispose]();
    },
  });
}

Deno.test("Alby's wallet service pays a refund: its proof is checked, its fee is booked", async () => {
  await using it = await refunding();
  assert((await it.approve()).ok);
  await it.is("sent");
  const row = await it.row();
  assertEquals([row.fee_msat, row.wallet?.slice(0, 4), row.note], [2_000, "nwc:", null]);
  assertEquals([it.service.asked, it.service.payments().map((one) => one.amountMsat)], [1, [100_000]]);
});

Deno.test("a payment that failed by its answer is looked up before anything else, then asked for anew", async () => {
  await using it = await refunding();
  it.service.paying = "failed";
  await it.approve();
  await it.is("unknown");
  await it.is("due");
  assertEquals([it.service.asked, (await it.row()).destination], [1, null]);
});

Deno.test("paid, and the answer is lost: found by looking it up, and asked for once", async () => {
  await using it = await refunding();
  it.service.paying = "paid, answer lost";
  await it.approve();
  await until(() => it.service.asked === 1);
  await it.is("unknown");
  await it.is("sent");
  assertEquals([it.service.asked, it.service.payments().length], [1, 1]);
});

Deno.test("not paid, and the answer is lost: by the wallet's own word it failed, and another invoice is asked for", async () => {
  await using it = await refunding();
  it.service.paying = "not paid, answer lost";
  await it.approve();
  await until(() => it.service.asked === 1);
  await it.is("unknown");
  await it.is("due");
  assertEquals(it.service.asked, 1);
});

Deno.test("asked again for what it has paid, the wallet pays nothing, and the refund is found to be sent", async () => {
  await using it = await refunding();
  it.service.paying = "paid, answer lost";
  await it.approve();
  await until(() => it.service.asked === 1);
  await it.is("unknown");
  it.service.paying = "paid";
  assert((await it.retry()).ok);
  await it.is("sent");
  assertEquals(it.service.payments().length, 1);
});
