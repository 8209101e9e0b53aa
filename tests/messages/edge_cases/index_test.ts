import { assert, assertEquals } from "@std/assert";

/*
 * The 40 edge cases of clients and specifications, by their numbers. Tests here begin with `#` and the number; those of
 * other parts are named by their files. Where a case is about a dialect that isn't spoken yet, its number is tested for what
 * must hold all the same: no crash, no order by mistake, no answer to a bot.
 *
 *  1  same id, other pubkey            identity_test · tests/orders/checkout_flow_test
 *  2  repeats                          identity_test, repeats_test (every situation)
 *  3  amendments, corrections          identity_test, repeats_test, retry_test · tests/orders/amend_flow_test
 *  4  replays                          identity_test · tests/nostr/intake_test, arrivals_test
 *  5  own key, merchant to merchant    identity_test
 *  6  two instances, bots              identity_test · tests/messages/takeover_test; a thief's answers: notifications
 *  7  type                             payload_test
 *  8  wrappings of JSON                payload_test · tests/dialects/read_message_test
 *  9  ids and coordinates              payload_test · tests/dialects/read_message_test
 * 10  quantities                       payload_test · tests/dialects/read_message_test
 * 11  duplicate lines                  payload_test · tests/orders/pricing_test
 * 12  empty, many, unknown, mixed      payload_test · tests/orders/pricing_test
 * 13  zones                            payload_test · tests/orders/pricing_test
 * 14  no address                       payload_test
 * 15  contact.nostr                    payload_test
 * 16  hostile text                     payload_test · tests/dialects/fuzz_test; pages escape it with the dashboard
 * 17  ciphers, p tags, forged copies   transport_test · tests/nostr/envelope_open_test, intake_test
 * 18  dishonest wraps                  transport_test · tests/nostr/gift_wrap_test
 * 19  the b tag                        transport_test; Shopstr's own messages with its dialect
 * 20  public kinds, reposts            transport_test; joining Plebeian's markers and wraps with its dialect
 * 21  clocks of senders                transport_test
 * 22  dates of answers                 transport_test · tests/nostr/key_clock_test
 * 23  where answers go, what relays say   tests/nostr/outbox_test
 * 24  text twins                       transport_test · tests/messages/claims_test
 * 25  changed prices                   prices_test
 * 26  what can't be sold, the last one money_test · tests/orders/race_test
 * 27  paid late                        money_test
 * 28  too little, too much             money_test; amount-less LNURL and shares of V4V with Plebeian's dialect
 * 29  two invoices paid                money_test
 * 30  forged receipts                  money_test
 * 31  rates, totals                    money_test · tests/orders/pricing_test; sources of rates with the rate service
 * 32  wallet down                      money_test · tests/payments/invoice_jobs_test
 * 33  notifications twice, early, late money_test · tests/payments/settlement_test
 * 34  cancellations                    cancel_test, repeats_test; refund destinations with the refund ledger
 * 35  digital goods once               money_test · tests/orders/digital_flow_test
 * 36  caps                             money_test; stock that unpaid orders hold with the guards of the stock
 * 37  Shopstr's ecash                  not here: with its dialect
 * 38  relays that lie or omit          tests/nostr/catch_up_test, intake_test
 * 39  another client edits the stall   tests/catalog/publisher_test; adopting it with the import from relays
 * 40  nothing of people in logs        payload_test (#16), tests/orders/digital_flow_test; canaries with people's data
 */
const ELSEWHERE: Record<number, string[]> = {
  23: ["nostr/outbox_test.ts"],
  37: [],
  38: ["nostr/catch_up_test.ts", "nostr/intake_test.ts"],
  39: ["catalog/publisher_test.ts"],
  40: ["orders/digital_flow_test.ts"],
};

Deno.test("every edge case has a test with its number, or a place elsewhere", async () => {
  const held = new Set<number>();
  for await (const entry of Deno.readDir(new URL(".", import.meta.url))) {
    const text = await Deno.readTextFile(new URL(entry.name, import.meta.url));
    for (const [names] of text.matchAll(/^\s*(?:Deno\.test\(|onEachDatabase\()?\s*["`](#\d+ )+/gm)) {
      for (const [number] of names.matchAll(/\d+/g)) held.add(Number(number));
    }
  }
  for (const [number, files] of Object.entries(ELSEWHERE)) {
    for (const file of files) assert((await Deno.stat(new URL(`../../${file}`, import.meta.url))).isFile);
    held.add(Number(number));
  }
  assertEquals([...held].sort((a, b) => a - b), Array.from({ length: 40 }, (_, i) => i + 1));
});
