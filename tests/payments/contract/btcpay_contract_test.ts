import { BtcpayServer, KEY, STORE, WEBHOOK_SECRET } from "./btcpay_server.ts";
import { openBtcpay } from "../btcpay/open.ts";
import { type Subject, walletContract } from "./wallet_contract.ts";

walletContract("btcpay (by its documentation)", () => open(""));
walletContract("btcpay with pull payments (by its documentation)", () => open("&refunds=pull-payments"));

function open(more: string): Promise<Subject> {
  const server = new BtcpayServer();
  server.permissions.push(`btcpay.store.cancreatepullpayments:${STORE}`);
  const wallet = openBtcpay(server.url(KEY, `&webhook_secret=${WEBHOOK_SECRET}${more}`));
  return Promise.resolve({
    wallet,
    secrets: [KEY, WEBHOOK_SECRET],
    pay: (bolt11: string) => server.pay(bolt11),
    intruder: () => Promise.resolve(openBtcpay(server.url("0".repeat(40)))),
    stop: () => server.stop(),
    theirInvoice: (amountMsat, payable) => server.desk.theirInvoice(amountMsat, payable),
    loseAnswer: () => void (server.faults.loseAnswer = true),
    async [Symbol.asyncDispose]() {
      await wallet.close();
      await server.stop();
    },
  });
}
