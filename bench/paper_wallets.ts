import { NwcService } from "../tests/support/nwc_service.ts";
import { serveNpmRelay } from "../tests/support/npm_relay.ts";
import { BtcpayServer, KEY } from "../tests/payments/contract/btcpay_server.ts";
import { ClnServer } from "../tests/payments/contract/cln_server.ts";
import { LnbitsPaperServer } from "../tests/payments/contract/lnbits_server.ts";
import { LndServer } from "../tests/payments/contract/lnd_server.ts";
import { INVOICES, macaroon } from "../tests/payments/contract/macaroons.ts";
import { PhoenixdServer } from "../tests/payments/contract/phoenixd_server.ts";
import { runeOf } from "../tests/payments/contract/runes.ts";

/** A wallet without a network: where it is, and how somebody pays it. */
export interface PaperWallet extends AsyncDisposable {
  url: string;
  pay(bolt11: string): Promise<unknown>;
  /** It tells of no payment by itself: each checkout waits until it is asked. */
  silent?: boolean;
}

/** The wallets that a checkout can be measured with, by the name of the adapter. */
export const paperWallets: Record<string, () => Promise<PaperWallet>> = {
  async nwc() {
    const relay = await serveNpmRelay();
    const service = await NwcService.start(relay.url);
    return {
      url: service.url,
      pay: (bolt11) => service.settle(bolt11),
      async [Symbol.asyncDispose]() {
        await service[Symbol.asyncDispose]();
        await relay[Symbol.asyncDispose]();
      },
    };
  },
  lnbits() {
    const server = new LnbitsPaperServer();
    return on(server, `lnbits+http://${server.host}/?key=${server.inkey}`);
  },
  lnd() {
    const secret = macaroon(...INVOICES, "info:read").toHex();
    const server = new LndServer({ macaroon: secret });
    return on(server, `lnd+http://127.0.0.1:${server.port}?macaroon=${secret}`);
  },
  cln() {
    const rune = runeOf("");
    const server = new ClnServer(rune);
    return on(server, `cln+http://127.0.0.1:${server.port}?rune=${encodeURIComponent(rune)}`);
  },
  phoenixd() {
    const server = new PhoenixdServer();
    return on(server, `phoenixd+http://:${server.limited}@${server.host}`);
  },
  btcpay() {
    const server = new BtcpayServer();
    return on(server, server.url(KEY), { silent: true });
  },
};

function on(
  server: AsyncDisposable & { pay(bolt11: string): unknown },
  url: string,
  more: { silent?: boolean } = {},
): Promise<PaperWallet> {
  return Promise.resolve({
    ...more,
    url,
    pay: async (bolt11) => await server.pay(bolt11),
    [Symbol.asyncDispose]: () => Promise.resolve(server[Symbol.asyncDispose]()),
  });
}
