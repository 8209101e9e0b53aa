"use strict";

const { defineMiddlewares } = require("@medusajs/framework/http");

module.exports = {
  __esModule: true,
  default: defineMiddlewares({
    // Signatures are over the body's bytes.
    routes: [{
      matcher: "/ncc/paid",
      methods: ["POST"],
      bodyParser: { preserveRawBody: true, sizeLimit: "16kb" },
    }],
  }),
};
