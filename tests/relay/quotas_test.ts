import { assertEquals } from "@std/assert";
import { defaultLimits } from "../../src/relay/limits.ts";
import { addressKey, Quotas } from "../../src/relay/quotas.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("addressKey(): an IPv4 address, or the network of an IPv6 household", () => {
  const table: [string, string][] = [
    ["203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:0DB8:1:2::9", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    ["::1", "0:0:0:0"],
    ["", ""],
  ];
  for (const [address, key] of table) assertEquals(addressKey(address), key, address);
});

Deno.test("connect() counts by address and in all, and disconnect() gives back", () => {
  const quotas = new Quotas(new FakeClock(), { ...defaultLimits, connections: 3, connectionsPerAddress: 2 });
  assertEquals(["a", "a", "a", "b", "c"].map((address) => quotas.connect(address)), [
    true,
    true,
    false,
    true,
    false,
  ]);
  quotas.disconnect("a");
  assertEquals(["c", "a"].map((address) => quotas.connect(address)), [true, false]);
});

Deno.test("takeEvent() counts events and bytes, by address and in all", () => {
  const with_ = (limits: Partial<typeof defaultLimits>) =>
    new Quotas(new FakeClock(), { ...defaultLimits, ...limits });
  const taken = (quotas: Quotas, ...list: [string, number][]) =>
    list.map(([a, bytes]) => quotas.takeEvent(a, bytes));
  assertEquals(taken(with_({ eventsPerAddress: 1 }), ["a", 1], ["a", 1], ["b", 1]), [true, false, true]);
  assertEquals(taken(with_({ bytesPerAddress: 10 }), ["a", 9], ["a", 9], ["b", 9]), [true, false, true]);
  assertEquals(taken(with_({ eventsInAll: 2 }), ["a", 1], ["b", 1], ["c", 1]), [true, true, false]);
  assertEquals(taken(with_({ bytesInAll: 20 }), ["a", 9], ["b", 9], ["c", 9]), [true, true, false]);
});
