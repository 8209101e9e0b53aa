import { VERSION } from "./packages.ts";
import { seededDatabase } from "./image.ts";

/*
 * deno run -A tests/real/medusa/get_medusa.ts
 *
 * Gets what the tests against a real Medusa need, once: its packages from npm, and a database with a small shop. The tests do it by
 * themselves when it wasn't done; it takes two minutes.
 */
const { folder } = await seededDatabase();
// deno-lint-ignore no-console -- a program for people
console.log(`Medusa ${VERSION}: ${folder}`);
