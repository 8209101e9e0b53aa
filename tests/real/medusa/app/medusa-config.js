const { defineConfig } = require("@medusajs/framework/utils");

/*
 * The Medusa of the tests, as a merchant would set it up. NCC_PLUGIN is the name of our plugin's package, which is beside Medusa's
 * own, and NCC_PLUGIN_OPTIONS its options, JSON; without it Medusa knows nothing of us. Of several processes on one database none
 * oversells only with a lock that they share (MEDUSA_LOCKING=postgres), whose holders take connections of the same pool.
 */
const plugin = process.env.NCC_PLUGIN;
const ncc = JSON.parse(process.env.NCC_PLUGIN_OPTIONS ?? "{}");
const shared = process.env.MEDUSA_LOCKING === "postgres";

module.exports = defineConfig({
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    databaseDriverOptions: {
      ssl: false,
      connection: { ssl: false },
      ...(shared && { pool: { min: 2, max: 40 } }),
    },
    http: {
      storeCors: "http://localhost:8000",
      adminCors: "http://localhost:9000",
      authCors: "http://localhost:8000,http://localhost:9000",
      jwtSecret: process.env.JWT_SECRET,
      cookieSecret: process.env.COOKIE_SECRET,
    },
  },
  admin: { disable: true },
  plugins: plugin ? [{ resolve: plugin, options: ncc }] : [],
  modules: [
    ...(plugin && ncc.token
      ? [{
        resolve: "@medusajs/medusa/payment",
        options: { providers: [{ resolve: `${plugin}/providers/lightning`, id: "ncc", options: ncc }] },
      }]
      : []),
    ...(shared
      ? [{
        resolve: "@medusajs/medusa/locking",
        options: {
          providers: [{
            resolve: "@medusajs/medusa/locking-postgres",
            id: "locking-postgres",
            is_default: true,
          }],
        },
      }]
      : []),
  ],
});
