"use strict";

const { payOwedRefunds } = require("../lib/owed_refunds.js");
const { settle } = require("../lib/settle.js");
const { sessionsOf, WAITING } = require("../lib/sessions.js");

/** As long as ncc goes on calling. */
const REMEMBERED_MS = 3 * 86_400_000;

/** Every minute: what a call should have told, but didn't. */
async function lookForPayments(container) {
  if (container.resolve("ncc").invoices === null) return;
  const since = Date.now() - REMEMBERED_MS;
  try {
    await settleAll(container, since);
    await payOwedRefunds(container, { since });
  } catch (error) {
    container.resolve("logger").warn(`Lightning payments can't be looked up: ${error.message}`);
  }
}

async function settleAll(container, since) {
  const sessions = await sessionsOf(container, { status: WAITING, created_at: { $gte: new Date(since) } });
  if (sessions.length === 0) return;
  const oldest = Math.min(...sessions.map((one) => new Date(one.created_at).getTime()));
  const invoices = await container.resolve("ncc").invoices.since(oldest);
  for (const { id } of sessions) {
    const invoice = invoices.get(id);
    if (invoice) await settleOrSay(container, id, invoice);
  }
}

/** One that fails doesn't keep the others waiting. */
async function settleOrSay(container, id, invoice) {
  try {
    await settle(container, id, invoice);
  } catch (error) {
    container.resolve("logger").warn(`Lightning payment ${id} wasn't settled yet: ${error.message}`);
  }
}

module.exports = {
  __esModule: true,
  default: lookForPayments,
  config: { name: "ncc-look-for-payments", schedule: "* * * * *" },
};
