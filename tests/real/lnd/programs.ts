import { fileURLToPath } from "node:url";

/** Where `lnd` and `btcd` are, or how to get them. */
export type LndPrograms = { lnd: string; btcd: string } | { missing: string };

const MODULE = fileURLToPath(new URL("./", import.meta.url));
/** Sub-servers that LND has only when it is asked for them. */
const TAGS = "invoicesrpc routerrpc signrpc walletrpc chainrpc peersrpc";

/**
 * `lnd` and `btcd` of NCC_TEST_LND_BIN, a folder. They are built from their Go modules and no package has them, which takes
 * minutes, so that a test never does it by itself.
 */
export function lndPrograms(): LndPrograms {
  const folder = Deno.env.get("NCC_TEST_LND_BIN");
  if (folder) {
    const programs = { lnd: `${folder}/lnd`, btcd: `${folder}/btcd` };
    if (Object.values(programs).every(isFile)) return programs;
  }
  return {
    missing: [
      "LND isn't here. With Go 1.25.10 or newer, in about ten minutes:",
      `  cd ${MODULE}`,
      "  go build -o /tmp/lnd/btcd github.com/btcsuite/btcd",
      `  go build -tags "${TAGS}" -o /tmp/lnd/lnd github.com/lightningnetwork/lnd/cmd/lnd`,
      "  NCC_TEST_LND_BIN=/tmp/lnd deno task test tests/real/lnd_test.ts",
    ].join("\n"),
  };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
