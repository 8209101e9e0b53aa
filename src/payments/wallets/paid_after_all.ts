import { type OutgoingStatus, type PaidOut, WalletError, walletError } from "../wallet.ts";

/**
 * What a wallet's no to a payment means: some say it of one that they have made before, or that is under way. Its own books
 * decide. Answers with the proof, or throws `refused` when nothing was paid and `no_answer` when that isn't certain.
 */
export async function paidAfterAll(no: string, lookUp: () => Promise<OutgoingStatus>): Promise<PaidOut> {
  const status = await lookUp().catch((error) => walletError(error));
  if (status instanceof WalletError) {
    throw new WalletError("no_answer", `${no}; and what became of the payment: ${status.message}`);
  }
  switch (status.status) {
    case "settled":
      if (status.preimage !== null) return { preimage: status.preimage, feeMsat: status.feeMsat };
      throw new WalletError("bad_answer", `${no}; yet its books say that it has paid, without a proof`);
    case "pending":
      throw new WalletError("no_answer", `${no}; its books say that the payment is under way`);
    case "failed":
    case "not_found":
      throw new WalletError("refused", no);
  }
}
