import { systemClock } from "../../../src/clock.ts";
import { PhoenixdWallet } from "../../../src/payments/wallets/phoenixd/phoenixd_wallet.ts";
import { systemRandom } from "../../../src/random.ts";
import { silentLog } from "../../support/log.ts";
import { whenListening } from "./listening.ts";
import { PhoenixdServer } from "./phoenixd_server.ts";
import { walletContract } from "./wallet_contract.ts";

walletContract("phoenixd", () => {
  const server = new PhoenixdServer();
  const open = (password: string) =>
    new PhoenixdWallet({
      base: new URL(`http://${server.host}/`),
      password,
      webhookSecret: server.webhookSecret,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    });
  const wallet = open(server.full);
  const listening = whenListening(wallet);
  return Promise.resolve({
    wallet,
    secrets: [server.full, server.limited, server.webhookSecret, btoa(`:${server.full}`)],
    // deno-lint-ignore require-await -- a payment that fails is a rejected promise
    pay: async (bolt11: string) => server.pay(bolt11),
    intruder: () => Promise.resolve(open("wrong")),
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
