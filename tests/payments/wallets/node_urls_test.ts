import { assert, assertEquals } from "@std/assert";
import { checkWalletUrl, maskWalletUrl, openWallet } from "../../../src/payments/wallet_url.ts";
import { canSpend as runeSpends } from "../../../src/payments/wallets/cln/rune.ts";
import { readBase64, readBytes, readCertificate } from "../../../src/payments/wallets/encoded.ts";
import { canSpend, permissionsOf } from "../../../src/payments/wallets/lnd/macaroon.ts";
import { INVOICES, macaroon } from "../contract/macaroons.ts";
import { runeOf } from "../contract/runes.ts";
import { NODE } from "./node_certificates.ts";
import { walletDeps } from "./wallet_deps.ts";

/** Made by LND 0.21.2 for a node of regtest that is gone. */
const OF_LND = {
  invoice:
    "0201036c6e640258030a10f9b3d082cff79b2e3693c924354c17541201301a160a0761646472657373120472656164120577726974651a170a08696e766f69636573120472656164120577726974651a0f0a076f6e636861696e12047265616400000620750df2fd3d158784dface8f95bf54c6a32af4cdf2f65d9a4c57f98f948cd31db",
  readonly:
    "0201036c6e6402ac01030a10fab3d082cff79b2e3693c924354c17541201301a0f0a07616464726573731204726561641a0c0a04696e666f1204726561641a100a08696e766f696365731204726561641a100a086d616361726f6f6e1204726561641a0f0a076d6573736167651204726561641a100a086f6666636861696e1204726561641a0f0a076f6e636861696e1204726561641a0d0a0570656572731204726561641a0e0a067369676e6572120472656164000006204b9232c4f15f6f737254b0ec7eb30ee262b3e6d8006a06ff1f8fb70d075eec2d",
  admin:
    "0201036c6e6402f801030a10fbb3d082cff79b2e3693c924354c17541201301a160a0761646472657373120472656164120577726974651a130a04696e666f120472656164120577726974651a170a08696e766f69636573120472656164120577726974651a210a086d616361726f6f6e120867656e6572617465120472656164120577726974651a160a076d657373616765120472656164120577726974651a170a086f6666636861696e120472656164120577726974651a160a076f6e636861696e120472656164120577726974651a140a057065657273120472656164120577726974651a180a067369676e6572120867656e657261746512047265616400000620de91a587fea5b1d7f2ebc10c02af26333bc89a6c177b0c0419140a0f36784d67",
};
const bytes = (hex: string) => Uint8Array.fromHex(hex);

Deno.test("what LND's own macaroons allow is read from them", () => {
  const invoice = permissionsOf(bytes(OF_LND.invoice))!.map(({ entity, action }) => `${entity}:${action}`);
  assertEquals(invoice, INVOICES);
  assertEquals(permissionsOf(macaroon(...INVOICES)), permissionsOf(bytes(OF_LND.invoice)));
  assertEquals(canSpend(bytes(OF_LND.invoice)), false);
  assertEquals(canSpend(bytes(OF_LND.readonly)), false);
  assertEquals(canSpend(bytes(OF_LND.admin)), true);
});

Deno.test("a macaroon that pays, or makes another that does, can spend", () => {
  const outcomes: [string[], boolean][] = [
    [["invoices:read", "invoices:write"], false],
    [["offchain:read", "onchain:read", "info:read"], false],
    [["offchain:write"], true],
    [["onchain:write"], true],
    [["macaroon:generate"], true],
    [["uri:/lnrpc.Lightning/AddInvoice", "uri:/lnrpc.Lightning/LookupInvoice"], false],
    [["uri:/lnrpc.Lightning/AddInvoice", "uri:/routerrpc.Router/SendPaymentV2"], true],
    [["uri:/lnrpc.Lightning/SendCoins"], true],
    [["uri:/lnrpc.Lightning/BakeMacaroon"], true],
  ];
  for (const [permissions, expected] of outcomes) {
    assertEquals(canSpend(macaroon(...permissions)), expected, permissions.join());
  }
});

Deno.test("what is no macaroon, or is cut off anywhere, shows nothing", () => {
  for (let length = 0; length < 60; length++) {
    assertEquals(canSpend(bytes(OF_LND.admin).subarray(0, length)), null, String(length));
  }
  assertEquals(canSpend(new Uint8Array(300).fill(255)), null);
});

Deno.test("whether a rune can spend is read from its restrictions", () => {
  const outcomes: [string, boolean][] = [
    ["", true],
    ["method=invoice|method=listinvoices|method=waitanyinvoice|method=delinvoice|method=getinfo", false],
    ["method=invoice|method=pay", true],
    ["method=invoice|method=xpay", true],
    ["method^list|method^get|method=summary", false],
    ["method^list|method=pay&method/pay", false],
    ["method/pay", true],
    ["method/pay&method/xpay&method^p", false],
    ["time<1900000000", true],
    ["method=invoice|time<1900000000", true],
    ["method=invoice&rate=60", false],
    ["method=invoice\\|pay", false],
    ["method^with", true],
    ["method=createrune", true],
  ];
  for (const [restrictions, expected] of outcomes) {
    assertEquals(runeSpends(runeOf(restrictions)), expected, restrictions);
  }
  assertEquals(runeSpends("AAAA"), null);
  // As the documentation of Core Lightning shows one: only commands that read, and not all of these.
  const readonly =
    "_RWaZZRI7wAYU2hqlFBmYgC_dFczcpAdI_9O87YbDpg9MCZtZXRob2RebGlzdHxtZXRob2ReZ2V0fG1ldGhvZD1zdW1tYXJ5Jm1ldGhvZC9saXN0ZGF0YXN0b3Jl";
  assertEquals(runeSpends(readonly), false);
});

Deno.test("secrets are taken in every spelling that people have them in", () => {
  const secret = bytes(OF_LND.invoice);
  const url = secret.toBase64({ alphabet: "base64url", omitPadding: true });
  for (
    const text of [
      OF_LND.invoice,
      OF_LND.invoice.toUpperCase(),
      secret.toBase64(),
      url,
      secret.toBase64().replaceAll("+", " "),
    ]
  ) {
    assertEquals(readBytes(text)?.toHex(), OF_LND.invoice, text);
  }
  for (const none of ["", " ", "?", "a", "ä", "AAAAA", "=="]) assertEquals(readBase64(none), null, none);
  const der = readBase64(NODE.cert.replaceAll(/-----[A-Z ]+-----|\s/g, ""))!;
  const written = readCertificate(der.toBase64({ alphabet: "base64url", omitPadding: true }))!;
  assertEquals(written.replaceAll(/\s/g, ""), NODE.cert.replaceAll(/\s/g, ""));
  assertEquals(readCertificate(btoa(NODE.cert)), NODE.cert);
  assertEquals(readCertificate(btoa("something else")), null);
});

Deno.test("URLs of nodes: what is taken, and what is missing in those that aren't", () => {
  const mac = `macaroon=${OF_LND.invoice}`;
  const rune = `rune=${runeOf("method=invoice")}`;
  const cert = `cert=${btoa(NODE.cert).replaceAll("+", "-").replaceAll("/", "_")}`;
  const good = [
    `lnd+https://node.example:8080?${mac}`,
    `lnd+https://node.example:8080/lnd/?${mac}&${cert}&private=1`,
    `LND+HTTP://127.0.0.1:8080?${mac}`,
    `lndconnect://node.example:8080?${cert}&${mac}`,
    `cln+https://node.example:3010?${rune}&${cert}`,
    `cln+http://127.0.0.1:3010?${rune}&private=1`,
  ];
  for (const url of good) assertEquals(checkWalletUrl(url), { ok: true }, url);
  const bad: [string, string][] = [
    ["lnd+https://node.example:8080", "macaroon="],
    ["lnd+https://node.example:8080?macaroon=???", "macaroon="],
    [`lnd+https://node.example:8080?${mac}&cert=abc`, "tls.cert"],
    [`lnd+https://node.example:8080?${mac}&certificate=1`, "unknown parameter certificate"],
    [`lnd+https://user:pw@node.example:8080?${mac}`, "user"],
    [`lndconnect://node.example:10009?${mac}`, "gRPC"],
    [`cln+https://node.example:3010?${mac}`, "unknown parameter macaroon"],
    ["cln+https://node.example:3010?rune=short", "createrune"],
    [`cln+https://node.example:3010?${rune}&cert=abc`, "ca.pem"],
  ];
  for (const [url, part] of bad) {
    const checked = checkWalletUrl(url);
    assert(!checked.ok && checked.reason.includes(part), `${url}: ${JSON.stringify(checked)}`);
    assert(!checked.reason.includes(OF_LND.invoice));
  }
});

Deno.test("a wallet's id is of its address: another secret or certificate is the same wallet; masks hold no secret", async () => {
  const secrets = [OF_LND.invoice, OF_LND.admin];
  const ids = new Set<string>();
  for (const secret of secrets) {
    for (
      const url of [
        `lnd+https://node.example:8080?macaroon=${secret}`,
        `lndconnect://node.example:8080?macaroon=${secret}`,
      ]
    ) {
      const opened = openWallet(url, walletDeps());
      assert(opened.ok);
      ids.add(opened.wallet.id);
      assertEquals(maskWalletUrl(url), "lnd+https://node.example:8080?macaroon=***");
      await opened.wallet.close();
    }
  }
  const [one, other] = [runeOf(""), runeOf("")];
  for (const rune of [one, other]) {
    const url = `cln+https://node.example:3010?rune=${rune}&private=1`;
    const opened = openWallet(url, walletDeps());
    assert(opened.ok);
    ids.add(opened.wallet.id);
    assertEquals(maskWalletUrl(url), "cln+https://node.example:3010?rune=***&private=1");
    await opened.wallet.close();
  }
  assertEquals(ids.size, 2);
});
