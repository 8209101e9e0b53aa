"use strict";

const { MathBN } = require("@medusajs/framework/utils");

/** As many decimals as ncc reads. */
const DECIMALS = 8;
const ROUND_UP = 0;

/** An amount of Medusa's (a number, its text, or with its exact twin) as ncc reads it: 28.798. */
function decimalOf(amount) {
  return MathBN.convert(amount).decimalPlaces(DECIMALS, ROUND_UP).toFixed();
}

/** Whether an invoice asks for just this. */
function asksFor(invoice, { amount, currency }) {
  return invoice.currency.toLowerCase() === String(currency).toLowerCase() &&
    MathBN.eq(invoice.amount, decimalOf(amount));
}

module.exports = { asksFor, decimalOf };
