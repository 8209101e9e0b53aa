import { assertEquals } from "@std/assert";
import { identityEvent, mergeRelayList } from "../../src/catalog/identity_events.ts";

const facts = {
  name: "Tea shop",
  profile: { about: "leaves" },
  relays: ["wss://one.example", "wss://two.example"],
  dmRelays: ["wss://two.example"],
  publicRelayUrl: "wss://shop.example/relay",
};

Deno.test("kinds 0, 10002 and 10050 say who the merchant is and where to be found", () => {
  assertEquals(identityEvent(0, facts), {
    kind: 0,
    content: '{"name":"Tea shop","about":"leaves"}',
    tags: [],
  });
  assertEquals(identityEvent(10002, facts)?.tags, [
    ["r", "wss://one.example"],
    ["r", "wss://two.example"],
    ["r", "wss://shop.example/relay"],
  ]);
  assertEquals(identityEvent(10050, facts)?.tags, [["relay", "wss://two.example"], [
    "relay",
    "wss://shop.example/relay",
  ]]);
});

Deno.test("nothing is said when there is nothing to say", () => {
  const nothing = { name: "", profile: {}, relays: [], dmRelays: [], publicRelayUrl: null };
  for (const kind of [0, 10002, 10050] as const) assertEquals(identityEvent(kind, nothing), null);
});

Deno.test("mergeRelayList() adds what is missing and keeps the rest as it is", () => {
  const ours = identityEvent(10002, facts)!;
  const theirs = {
    content: "x",
    tags: [["r", "WSS://one.example/", "read"], ["r", "wss://home.example"], ["alt", "y"]],
  };
  assertEquals(mergeRelayList(ours, theirs), {
    kind: 10002,
    content: "x",
    tags: [...theirs.tags, ["r", "wss://two.example"], ["r", "wss://shop.example/relay"]],
  });
  assertEquals(mergeRelayList(ours, { content: "", tags: ours.tags }), null);
});
