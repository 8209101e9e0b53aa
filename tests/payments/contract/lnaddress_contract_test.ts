import { systemClock } from "../../../src/clock.ts";
import { readLightningAddress } from "../../../src/payments/wallets/lnaddress/address.ts";
import { LnAddressWallet } from "../../../src/payments/wallets/lnaddress/lnaddress_wallet.ts";
import { testFetch } from "../../support/https_server.ts";
import { LnurlServer } from "../../support/lnurl_server.ts";
import { silentLog } from "../../support/log.ts";
import { walletContract } from "./wallet_contract.ts";

walletContract("lnaddress", () => {
  const server = new LnurlServer();
  const held = Promise.withResolvers<void>();
  const wallet = new LnAddressWallet({
    address: readLightningAddress(server.address)!,
    anyVerify: false,
    zaps: null,
    web: testFetch(),
    clock: systemClock,
    log: silentLog,
  });
  let stopped = false;
  const stop = async () => {
    if (!stopped) await server.stop();
    stopped = true;
  };
  return Promise.resolve({
    wallet,
    secrets: [],
    pay: (bolt11: string) => Promise.resolve(server.pay(bolt11)),
    stop,
    loseAnswer: () => {
      server.faults.callback = () => held.promise.then(() => new Response());
    },
    [Symbol.asyncDispose]: async () => {
      held.resolve();
      await wallet.close();
      await stop();
    },
  });
});
