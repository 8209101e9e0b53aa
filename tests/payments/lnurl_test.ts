import { assertEquals } from "@std/assert";
import { bech32 } from "@scure/base";
import { descriptionHash, encodeLnurl, metadataOf } from "../../src/payments/lnurl.ts";

/** LUD-01's example. */
const URL_01 = "https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df";
const LNURL_01 =
  "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HX" +
  "QURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS";

Deno.test("encodeLnurl() writes LUD-01's example, in lower case", () => {
  assertEquals(encodeLnurl(URL_01), LNURL_01.toLowerCase());
});

Deno.test("what encodeLnurl() writes is the URL again when it is read", () => {
  const url = "https://shop.example/lnurl/Zm9vYmFyYmF6cXV4MTIzNA";
  const { words } = bech32.decode(encodeLnurl(url) as `${string}1${string}`, false);
  assertEquals(new TextDecoder().decode(bech32.fromWords(words)), url);
});

Deno.test("the metadata is one text/plain entry, and its hash is of the very text that is sent (LUD-06)", () => {
  assertEquals(metadataOf("Order 1a2b3c4d-9f3e"), '[["text/plain","Order 1a2b3c4d-9f3e"]]');
  // echo -n '[["text/plain","Order 1a2b3c4d-9f3e"]]' | sha256sum
  assertEquals(
    descriptionHash(metadataOf("Order 1a2b3c4d-9f3e")),
    "5297c0704e9c816d4b064f3dacf2df6552869c6f49e3f2dd09d1853954e8b8df",
  );
});
