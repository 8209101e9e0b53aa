"use strict";

const { aboutOf, EVENTS } = require("../lib/about.js");

/** Tells ncc that something happened, by ids alone: it reads what it needs itself. */
function tellNcc({ event: { name, data }, container }) {
  const { teller } = container.resolve("ncc");
  teller?.tell(() => aboutOf(container, { name, data }));
}

module.exports = {
  __esModule: true,
  default: tellNcc,
  config: { event: EVENTS, context: { subscriberId: "ncc-tell" } },
};
