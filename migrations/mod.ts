import type { Migration } from "kysely/migration";
import * as m0001 from "./0001_first_sale.ts";
import * as m0002 from "./0002_safe.ts";

/** Every migration in order, forward only. A static list, so that a bundle and a compiled binary carry them. */
export const migrations: Record<string, Migration> = {
  "0001_first_sale": m0001,
  "0002_safe": m0002,
};
