import { findLnbits, installLnbits } from "./lnbits_package.ts";

/*
 * deno run -A tests/real/lnbits/get_lnbits.ts
 *
 * Gets what tests/real/lnbits/lnbits_test.ts runs against: the real LNbits, from PyPI. It takes a minute or two.
 */
if (await findLnbits() === null) await installLnbits();
const found = await findLnbits();
// deno-lint-ignore no-console -- a program for people
console.log(found ? `LNbits ${found.version}: ${found.python}` : "LNbits was installed and can't be found");
Deno.exitCode = found ? 0 : 1;
