import type { PaymentHint, Wallet } from "../../../src/payments/wallet.ts";

/**
 * Resolves when a wallet that follows a WebSocket listens: it says that anything may have been paid, because before it
 * heard nothing. Ask before anybody subscribes.
 */
export function whenListening(wallet: Wallet): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const subscribe = wallet.subscribe!.bind(wallet);
  wallet.subscribe = (onHint: (hint: PaymentHint) => void) =>
    subscribe((hint) => {
      if (Object.keys(hint).length === 0) resolve();
      onHint(hint);
    });
  return promise;
}
