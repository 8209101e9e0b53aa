"use strict";

const { Module } = require("@medusajs/framework/utils");
const { NccClient } = require("../../lib/ncc_client.js");
const { readOptions } = require("../../lib/options.js");

/** What routes, jobs and subscribers of this plugin share; in Medusa's container as `ncc`. */
class Ncc {
  constructor(_container, options) {
    const { eventsSecret: _secret, ...read } = readOptions(options, { payments: false });
    this.options = read;
    /** Null where no payments are taken. */
    this.invoices = read.token === null ? null : new NccClient(read);
    /** Payments that somebody was told of already. */
    this.told = new Set();
  }
}

module.exports = { __esModule: true, default: Module("ncc", { service: Ncc }) };
