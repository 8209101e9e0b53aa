import { assert, assertEquals } from "@std/assert";
import { BtcpayServer, KEY, WEBHOOK_SECRET } from "../contract/btcpay_server.ts";
import { openBtcpay } from "./open.ts";

/** A wallet, closed at the end of the test, that knows its webhook's secret, or doesn't. */
async function withHook(
  secret: string | null,
  fn: (o: { server: BtcpayServer; hear: (raw: Uint8Array, headers?: Headers) => unknown }) => void,
): Promise<void> {
  await using server = new BtcpayServer();
  const wallet = openBtcpay(server.url(KEY, secret === null ? "" : `&webhook_secret=${secret}`));
  fn({ server, hear: (raw, headers = new Headers()) => wallet.readHook!(headers, raw) });
  await wallet.close();
}

Deno.test("BTCPay's webhook is a hint at its invoice, known again by its delivery", () =>
  withHook(WEBHOOK_SECRET, ({ server, hear }) => {
    for (const type of ["InvoiceSettled", "InvoiceReceivedPayment", "InvoiceProcessing", "InvoiceExpired"]) {
      const { raw, headers } = server.delivery(type, "Fq3kZ1", { deliveryId: "d-1" });
      assertEquals(hear(raw, headers), { ok: true, hints: [{ ref: "Fq3kZ1" }], delivery: "d-1" });
    }
  }));

Deno.test("a webhook of what can't have been paid, of another store or of something else hints at nothing", () =>
  withHook(WEBHOOK_SECRET, ({ server, hear }) => {
    for (
      const [type, more] of [["InvoiceCreated", {}], ["PayoutUpdated", {}], ["InvoiceSettled", {
        storeId: "another",
      }]] as const
    ) {
      const { raw, headers } = server.delivery(type, "Fq3kZ1", { deliveryId: "d-1", ...more });
      assertEquals(hear(raw, headers), { ok: true, hints: [], delivery: "d-1" });
    }
  }));

Deno.test("a webhook without the right signature of its raw body is refused", () =>
  withHook(WEBHOOK_SECRET, ({ server, hear }) => {
    const { raw, headers } = server.delivery("InvoiceSettled", "Fq3kZ1");
    const right = headers.get("btcpay-sig")!;
    const refused = (raw: Uint8Array, sig: string | null) => {
      const read = hear(raw, sig === null ? new Headers() : new Headers({ "btcpay-sig": sig })) as {
        ok: boolean;
        reason: string;
      };
      assertEquals(read.ok, false, sig ?? "none");
      assert(!read.reason.includes(WEBHOOK_SECRET));
    };
    assertEquals(
      (hear(raw, new Headers({ "BTCPay-Sig": right.toUpperCase().replace("SHA256", "sha256") })) as {
        ok: boolean;
      }).ok,
      true,
    );
    for (
      const wrong of [
        null,
        "",
        "sha256=",
        right.slice(7),
        right.slice(0, -1),
        `${right}00`,
        `sha256=${"0".repeat(64)}`,
        server.delivery("InvoiceSettled", "Fq3kZ1").headers.get("btcpay-sig"),
      ]
    ) refused(raw, wrong);
    refused(new TextEncoder().encode(` ${new TextDecoder().decode(raw)}`), right);
    refused(raw, server.delivery("InvoiceSettled", "Fq3kZ1", {}, "another secret").headers.get("btcpay-sig"));
  }));

Deno.test("without a secret of its own the webhook's URL says who calls", () =>
  withHook(null, ({ server, hear }) => {
    const { raw } = server.delivery("InvoiceSettled", "Fq3kZ1", { deliveryId: "d-1" });
    assertEquals(hear(raw), { ok: true, hints: [{ ref: "Fq3kZ1" }], delivery: "d-1" });
  }));

Deno.test("a signed body that isn't an event is refused, whatever it is", () =>
  withHook(null, ({ hear }) => {
    for (
      const body of [
        "",
        "null",
        "[]",
        "7",
        '"x"',
        "{",
        '{"type":7}',
        '{"type":"InvoiceSettled","invoiceId":"../x"}',
      ]
    ) {
      assertEquals((hear(new TextEncoder().encode(body)) as { ok: boolean }).ok, false, body);
    }
    assertEquals((hear(new Uint8Array([0xff, 0xfe, 0x7b])) as { ok: boolean }).ok, false);
    assertEquals(hear(new TextEncoder().encode('{"type":"InvoiceSettled"}')), {
      ok: true,
      hints: [],
      delivery: null,
    });
  }));
