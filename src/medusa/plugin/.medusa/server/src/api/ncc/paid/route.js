"use strict";

const { isSigned } = require("../../../lib/signature.js");
const { settle } = require("../../../lib/settle.js");

/**
 * Called by ncc when the state of an invoice is another one, and again until it hears a 2xx. What it says is only a reason to ask
 * ncc; Medusa's own route for this would wait five seconds first.
 */
async function POST(req, res) {
  const { options: { secret }, invoices } = req.scope.resolve("ncc");
  if (invoices === null) return void res.sendStatus(404);
  const signed = isSigned(secret, { headers: req.headers, raw: req.rawBody ?? "", now: Date.now() });
  if (!signed) return void res.sendStatus(401);
  const { reference } = req.body ?? {};
  if (typeof reference !== "string") return void res.sendStatus(400);
  const logger = req.scope.resolve("logger");
  try {
    const invoice = await invoices.find(reference);
    if (invoice !== null) await settle(req.scope, reference, invoice);
    res.sendStatus(204);
  } catch (error) {
    logger.warn(`Lightning payment ${reference} wasn't settled, ncc will call again: ${error.message}`);
    res.sendStatus(503);
  }
}

module.exports = { POST };
