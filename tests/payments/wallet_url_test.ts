import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { checkWalletUrl, maskWalletUrl } from "../../src/payments/wallet_url.ts";

const SECRET = "cd".repeat(32);
const NWC = `nostr+walletconnect://${"ab".repeat(32)}?relay=wss://relay.example.com&secret=${SECRET}`;
const LNBITS = "lnbits+https://host?key=sesame";

Deno.test("checkWalletUrl() takes what can be opened and says what can for anything else", () => {
  for (const good of ["demo:", NWC, NWC.replace("nostr+", "nostr"), LNBITS]) {
    assertEquals(checkWalletUrl(good), { ok: true });
  }
  for (
    const bad of [
      "",
      "demo",
      "strike+https://host?key=sesame",
      "http://user:sesame@host",
      "constructor:",
      NWC.slice(0, -1),
    ]
  ) {
    const checked = checkWalletUrl(bad);
    assert(!checked.ok, bad);
    assertStringIncludes(checked.reason, "nostr+walletconnect://");
    assert(!checked.reason.includes("sesame") && !checked.reason.includes("cdcd"));
  }
});

Deno.test("maskWalletUrl() leaves nothing that gives power over the wallet", () => {
  assertEquals(
    maskWalletUrl(NWC),
    "nostr+walletconnect://abababab…?relay=wss://relay.example.com&secret=***",
  );
  assertEquals(maskWalletUrl("demo:"), "demo:");
  for (const other of [LNBITS, "sesame", NWC.slice(0, -1)]) {
    const masked = maskWalletUrl(other);
    assert(!masked.includes("sesame") && !masked.includes("cdcd"), masked);
  }
});

Deno.test("a secret whose name was forgotten is quoted nowhere", () => {
  const secrets = [SECRET, `${SECRET}==`, "c2VzYW1lIG9wZW4gbm93IHBsZWFzZQ==", "sesame", "SESAME-open"];
  for (
    const kind of ["lnbits+https", "btcpay+https", "lnd+https", "lndconnect", "cln+https", "phoenixd+http"]
  ) {
    for (const secret of secrets) {
      const url = `${kind}://host/?${secret}&private=1`;
      const checked = checkWalletUrl(url);
      assert(!checked.ok);
      for (const text of [checked.reason, maskWalletUrl(url)]) assert(!text.includes(secret), text);
    }
  }
  const checked = checkWalletUrl("lnbits+https://host/?admin_kye=sesame");
  assert(!checked.ok);
  assertStringIncludes(checked.reason, "unknown parameter admin_kye");
  assertEquals(maskWalletUrl("lnbits+https://host/?admin_kye=sesame"), "lnbits+https://host?admin_kye=***");
});
