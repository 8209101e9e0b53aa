import type { Migration } from "kysely/migration";
import * as m0001 from "./0001_first_sale.ts";
import * as m0002 from "./0002_safe.ts";
import * as m0003 from "./0003_wallets.ts";
import * as m0004 from "./0004_held_invoice.ts";
import * as m0005 from "./0005_skipped_addresses.ts";
import * as m0006 from "./0006_medusa.ts";
import * as m0007 from "./0007_till.ts";
import * as m0008 from "./0008_outbox_lanes.ts";
import * as m0009 from "./0009_outbox_failed.ts";

/** Every migration in order, forward only. A static list, so that a bundle and a compiled binary carry them. */
export const migrations: Record<string, Migration> = {
  "0001_first_sale": m0001,
  "0002_safe": m0002,
  "0003_wallets": m0003,
  "0004_held_invoice": m0004,
  "0005_skipped_addresses": m0005,
  "0006_medusa": m0006,
  "0007_till": m0007,
  "0008_outbox_lanes": m0008,
  "0009_outbox_failed": m0009,
};
