"use strict";

const { AbstractPaymentProvider, MedusaError, PaymentActions } = require("@medusajs/framework/utils");
const { Buffer } = require("node:buffer");
const { decimalOf } = require("../../lib/amounts.js");
const { NccClient } = require("../../lib/ncc_client.js");
const { readOptions } = require("../../lib/options.js");
const { statusOf } = require("../../lib/session_status.js");
const { isSigned } = require("../../lib/signature.js");

const MEDUSAS_REFUND = /^ref_/;
const CONFLICT = 409;
const REASON = "Refunded in Medusa.";
const LIGHTNING_ADDRESS = /^[^\s@]{1,64}@[^\s@]{3,200}$/;

/** Payments by Lightning through ncc: money comes in at once and whole, or not at all. Its id in Medusa is `pp_lightning_ncc`. */
class LightningProvider extends AbstractPaymentProvider {
  static identifier = "lightning";

  static validateOptions(options) {
    readOptions(options, { payments: true });
  }

  constructor(container, options) {
    super(container, options);
    const read = readOptions(options, { payments: true });
    this.logger_ = container.logger;
    this.secret_ = read.secret;
    this.ncc_ = new NccClient(read);
  }

  async initiatePayment({ amount, currency_code, data }) {
    const asked = { session_id: data.session_id, amount: decimalOf(amount), currency_code };
    const invoice = await this.ask_(asked);
    return {
      id: invoice.id,
      status: "pending_authorization",
      data: { ...asked, ...refundsTo(data), ...shown(invoice) },
    };
  }

  /** The same session for another amount: the same reference at ncc, whose old invoice is offered no more. */
  async updatePayment({ amount, currency_code, data }) {
    const asked = { session_id: data.session_id, amount: decimalOf(amount), currency_code };
    const invoice = await this.ask_(asked);
    return {
      status: "pending_authorization",
      data: { ...data, ...asked, ...refundsTo(data), ...shown(invoice) },
    };
  }

  async deletePayment(input) {
    return await this.cancel_(input);
  }

  async cancelPayment(input) {
    return await this.cancel_(input);
  }

  async authorizePayment({ data }) {
    try {
      const invoice = await this.ncc_.read(data.ncc_invoice);
      const { status, wrong } = statusOf(invoice, data);
      if (wrong) this.logger_.error(`Lightning payment ${data.session_id}: ${wrong}`);
      return { status, data: { ...data, ...(invoice && shown(invoice)) } };
    } catch (error) {
      // Nobody knows: it is looked at again every minute.
      this.logger_.warn(`Lightning payment ${data.session_id} can't be looked up: ${error.message}`);
      return { status: "pending_authorization", data };
    }
  }

  async getPaymentStatus(input) {
    return await this.authorizePayment(input);
  }

  async retrievePayment({ data }) {
    const invoice = await this.ncc_.read(data.ncc_invoice);
    return { data: { ...data, ...(invoice && shown(invoice)) } };
  }

  /** It is the shop's already. */
  capturePayment({ data }) {
    return Promise.resolve({ data });
  }

  /** Gives money back once for each refund of Medusa's, also when an answer got lost. */
  async refundPayment({ amount, data, context }) {
    const reference = context?.idempotency_key;
    if (!reference) throw refusal("the refund has no id, so that it could happen twice.");
    try {
      const { invoice, as } = await this.refundOnce_(data, { reference, amount: decimalOf(amount) });
      return { data: { ...data, ...shown(invoice), refunds: [...data.refunds ?? [], as] } };
    } catch (error) {
      this.logger_.error(`Lightning payment ${data.session_id} wasn't refunded: ${error.message}`);
      throw refusal(
        `the refund isn't certain: ${error.message}. Try again: it happens once, however often you do.`,
      );
    }
  }

  async getWebhookActionAndData({ rawData, headers, data: body }) {
    const nothing = { action: PaymentActions.NOT_SUPPORTED };
    const raw = Buffer.from(rawData ?? "");
    if (!isSigned(this.secret_, { headers: headers ?? {}, raw, now: Date.now() })) return nothing;
    const reference = body?.reference;
    const invoice = typeof reference === "string" ? await this.ncc_.find(reference) : null;
    if (invoice?.state !== "paid") return nothing;
    // Whether it is what the session is about is looked at when that is authorized.
    return {
      action: PaymentActions.SUCCESSFUL,
      data: { session_id: invoice.reference, amount: invoice.amount },
    };
  }

  /** Throws what the storefront may show; the reason is for the log. */
  async ask_({ session_id, amount, currency_code }) {
    try {
      const invoice = await this.ncc_.ask({
        reference: session_id,
        amount,
        currency: currency_code,
        description: `Medusa ${session_id}`,
      });
      if (invoice.bolt11) return invoice;
      this.logger_.error(`ncc has no Lightning invoice for ${session_id}: it is ${invoice.state}`);
    } catch (error) {
      this.logger_.error(`ncc makes no Lightning invoice for ${session_id}: ${error.message}`);
      if (error.pointers?.includes("/amount")) throw refusal("this amount can't be paid by Lightning.");
    }
    throw refusal("it isn't available right now. Try again in a minute, or pay another way.");
  }

  /** Whatever ncc says: an invoice that nobody cancels expires by itself. */
  async cancel_({ data }) {
    if (!data?.ncc_invoice) return { data };
    try {
      const invoice = await this.ncc_.cancel(data.ncc_invoice);
      if (invoice.state === "paid") {
        this.logger_.warn(
          `Lightning payment ${data.session_id} was given up by Medusa, but is paid (ncc ${invoice.id})`,
        );
      }
      return { data: { ...data, ...shown(invoice) } };
    } catch (error) {
      this.logger_.warn(`Lightning payment ${data.session_id} wasn't cancelled: ${error.message}`);
      return { data };
    }
  }

  /**
   * Medusa forgets a refund whose answer it didn't hear, and asks for the same under another id: what ncc has and Medusa doesn't,
   * over the same amount, is that one.
   */
  async refundOnce_({ ncc_invoice: id, refund_to: destination, refunds = [] }, { reference, amount }) {
    const before = await this.ncc_.read(id);
    if (before === null) throw new Error("ncc has no such invoice");
    const unheard = before.refunds.map((one) => one.reference)
      .filter((one) =>
        one !== null && MEDUSAS_REFUND.test(one) && one !== reference && !refunds.includes(one)
      );
    const wish = { amount, destination, reason: REASON };
    for (const as of unheard) {
      try {
        return { invoice: await this.ncc_.refund(id, { ...wish, reference: as }), as };
      } catch (error) {
        // It is over another amount.
        if (error.status !== CONFLICT) throw error;
      }
    }
    return { invoice: await this.ncc_.refund(id, { ...wish, reference }), as: reference };
  }
}

/** What the storefront shows and Medusa keeps of an invoice. */
function shown({ id, state, bolt11, payment_hash, amount_msat, expires_at }) {
  return { ncc_invoice: id, state, bolt11, payment_hash, amount_msat, expires_at };
}

/** The Lightning address that the storefront's customer wants refunds at. */
function refundsTo({ refund_to }) {
  return { refund_to: LIGHTNING_ADDRESS.test(refund_to ?? "") ? refund_to : undefined };
}

function refusal(what) {
  return new MedusaError(MedusaError.Types.NOT_ALLOWED, `Lightning: ${what}`);
}

module.exports = { LightningProvider };
