"use strict";

const { ModuleProvider, Modules } = require("@medusajs/framework/utils");
const { LightningProvider } = require("./lightning_provider.js");

module.exports = {
  __esModule: true,
  default: ModuleProvider(Modules.PAYMENT, { services: [LightningProvider] }),
};
