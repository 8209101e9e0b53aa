"use strict";

const { Module } = require("@medusajs/framework/utils");
const { NccClient } = require("../../lib/ncc_client.js");
const { readOptions } = require("../../lib/options.js");
const { Teller } = require("../../lib/teller.js");

/** What routes, jobs and subscribers of this plugin share; in Medusa's container as `ncc`. */
class Ncc {
  constructor({ logger }, options) {
    const { eventsSecret, ...read } = readOptions(options, { payments: false });
    this.options = read;
    /** Null where no payments are taken. */
    this.invoices = read.token === null ? null : new NccClient(read);
    /** Null where ncc is told nothing. */
    this.teller = eventsSecret === null ? null : new Teller({ url: read.url, secret: eventsSecret, logger });
    /** Payments that somebody was told of already. */
    this.told = new Set();
  }
}

module.exports = { __esModule: true, default: Module("ncc", { service: Ncc }) };
