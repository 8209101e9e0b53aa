import { systemClock } from "../../../src/clock.ts";
import { LnbitsWallet } from "../../../src/payments/wallets/lnbits/lnbits_wallet.ts";
import { systemRandom } from "../../../src/random.ts";
import { silentLog } from "../../support/log.ts";
import { whenListening } from "./listening.ts";
import { LnbitsPaperServer } from "./lnbits_server.ts";
import { walletContract } from "./wallet_contract.ts";

walletContract("LNbits on paper", () => {
  const server = new LnbitsPaperServer();
  const open = (key: string, adminKey: string) =>
    new LnbitsWallet({
      base: new URL(`http://${server.host}/`),
      key,
      adminKey,
      network: "bc",
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    });
  const wallet = open(server.inkey, server.adminkey);
  const listening = whenListening(wallet);
  return Promise.resolve({
    wallet,
    secrets: [server.inkey, server.adminkey],
    // deno-lint-ignore require-await -- a payment that fails is a rejected promise
    pay: async (bolt11: string) => server.pay(bolt11),
    intruder: () => Promise.resolve(open("0".repeat(32), "0".repeat(32))),
    listening: () => listening,
    stop: () => server.stop(),
    loseAnswer: () => server.losing = true,
    theirInvoice: (amountMsat: bigint, payable: boolean) => server.theirInvoice(amountMsat, payable),
    async [Symbol.asyncDispose]() {
      await wallet.close();
      await server.stop();
    },
  });
});
