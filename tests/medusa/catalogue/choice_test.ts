import { assert, assertEquals } from "@std/assert";
import { chooseChannel, chooseCurrency } from "../../../src/medusa/catalogue/choice.ts";
import * as shapes from "../../../src/medusa/catalogue/shapes.ts";

const web = { id: "sc_web", name: "Default Sales Channel" };
const nostr = { id: "sc_nostr", name: "Nostr" };
const store = shapes.store.parse({
  id: "store_1",
  name: "Shop",
  default_sales_channel_id: web.id,
  supported_currencies: [{ currency_code: "usd" }, { currency_code: "eur", is_default: true }],
});
const key = (id: string, sales_channels: object[], revoked_at?: string) =>
  shapes.apiKey.parse({ id, title: id, token: `pk_${id}`, sales_channels, revoked_at });

Deno.test("the channel is the chosen one, the only one, or the store's default", () => {
  const both = [key("a", [web, nostr]), key("b", [nostr])];
  const others = { ...store, default_sales_channel_id: "sc_without_key" };
  const table: [shapes.ApiKey[], typeof store | undefined, string | null, string | null][] = [
    [[key("a", [nostr])], store, null, nostr.id],
    [both, store, null, web.id],
    [both, store, "Nostr", nostr.id],
    [both, store, nostr.id, nostr.id],
    [both, others, null, null],
    [both, undefined, null, null],
    [both, store, "Shop", null],
    [[key("a", [nostr], "2026-01-01")], store, null, null],
    [[], store, "Nostr", null],
  ];
  for (const [keys, of, wanted, channel] of table) {
    const found = chooseChannel(keys, of, wanted);
    assertEquals(found.ok ? found.channel.id : null, channel, JSON.stringify([keys, wanted]));
    assert(found.ok || /^[^.]+$/.test(found.reason) && found.remedy.endsWith("."), JSON.stringify(found));
  }
});

Deno.test("of several keys that one is used that shows least else", () => {
  const found = chooseChannel([key("a", [web, nostr]), key("b", [nostr])], store, "Nostr");
  assertEquals(found.ok && found.key, "pk_b");
});

Deno.test("the currency is the chosen one or the store's default, if the store has it and we know it", () => {
  const table: [Partial<typeof store>, string | null, string | null][] = [
    [{}, null, "eur"],
    [{}, "USD", "usd"],
    [{}, "GBP", null],
    [{ supported_currencies: [{ currency_code: "usd" }] }, null, "usd"],
    [{ supported_currencies: [] }, null, null],
    [{ supported_currencies: [{ currency_code: "xqq", is_default: true }] }, null, null],
  ];
  for (const [change, wanted, currency] of table) {
    const found = chooseCurrency({ ...store, ...change }, wanted);
    assertEquals(found.ok ? found.currency : null, currency, JSON.stringify([change, wanted]));
  }
});
