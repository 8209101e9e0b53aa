import { z } from "zod";
import {
  type OutgoingPayment,
  type OutgoingRef,
  type OutgoingStatus,
  type PaidOut,
  WalletError,
} from "../../wallet.ts";
import { paidAfterAll } from "../paid_after_all.ts";
import { WalletHttp } from "../wallet_http.ts";
import { rowOf, stateIn, wordsOf } from "./books.ts";
import { feeOf, outgoingStatus, preimageOf, readRow } from "./payment.ts";

const walletOfAdmin = z.object({ id: z.string() });

/** What an LNbits wallet does with its admin key: it pays. How much a payment's way may cost is the server's own affair. */
export class LnbitsPaying {
  readonly #name: string;
  readonly #http: WalletHttp;

  constructor({ name, base, adminKey }: { name: string; base: URL; adminKey: string }) {
    this.#name = name;
    this.#http = new WalletHttp({ name, base, headers: { "x-api-key": adminKey } });
  }

  /** Throws when the key isn't an admin key. */
  async probe(signal: AbortSignal): Promise<void> {
    const { status, body } = await this.#http.ask("GET", "api/v1/wallet", {}, signal);
    if (status === 200 && walletOfAdmin.safeParse(body).success) return;
    throw new WalletError("unauthorized", `${this.#name}: admin_key isn't the admin key of a wallet there`);
  }

  async pay(payment: OutgoingPayment, signal: AbortSignal): Promise<PaidOut> {
    if (payment.amountless) {
      throw new WalletError("refused", `${this.#name} can't pay invoices that name no amount`);
    }
    const question = { json: { out: true, bolt11: payment.bolt11 }, moves: true, plain: true };
    const answer = await this.#http.ask("POST", "api/v1/payments", question, signal);
    if (answer.status === 404) {
      throw new WalletError("unauthorized", `${this.#name} doesn't know the admin key (HTTP 404)`);
    }
    if (answer.status === 520 || answer.status === 400) {
      const no = wordsOf(this.#name, answer);
      // "Internal invoice already paid." is `failed`, too, and may have been this payment.
      if (answer.status === 520 && stateIn(answer) !== "failed") throw new WalletError("no_answer", no);
      return await paidAfterAll(no, () => this.lookup(payment, signal));
    }
    this.#http.check(answer.status, question);
    if (answer.status !== 201) throw new WalletError("bad_answer", wordsOf(this.#name, answer));
    const row = readRow(answer.body);
    if (row.status === "pending") {
      throw new WalletError("no_answer", `${this.#name}: the payment is under way`);
    }
    const preimage = preimageOf(row);
    if (row.status !== "success" || preimage === null) {
      throw new WalletError("bad_answer", `${this.#name} doesn't say clearly whether it has paid`);
    }
    return { preimage, feeMsat: feeOf(row) };
  }

  async lookup(
    { paymentHash }: Pick<OutgoingRef, "paymentHash">,
    signal: AbortSignal,
  ): Promise<OutgoingStatus> {
    const row = await rowOf(this.#http, this.#name, paymentHash, signal);
    return row === null || row.amount > 0 ? { status: "not_found" } : outgoingStatus(row);
  }

  close(): void {
    this.#http.close();
  }
}
