import { assertEquals } from "@std/assert";
import { offerable } from "../../src/payments/payment_links.ts";
import type { PaymentLink } from "../../src/payments/wallet.ts";

const good: PaymentLink[] = [
  {
    type: "btc",
    link: "bitcoin:bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080?amount=0.00021&label=Order%201",
  },
  { type: "url", link: "https://pay.example/i/Fq3kZ1?lang=en" },
  { type: "lnurl", link: `lnurl1${"dp68gurn8ghj7ar0".repeat(3)}` },
];

const bad: [PaymentLink["type"], string][] = [
  ["url", "javascript:alert(1)"],
  ["url", "JavaScript://pay.example/%0aalert(1)"],
  ["url", "data:text/html,<script>alert(1)</script>"],
  ["url", "http://pay.example/i/1"],
  ["url", "http://127.0.0.1:49392/i/1"],
  ["url", 'https://pay.example/"><script>'],
  ["url", "https://pay.example/\nX"],
  ["url", `https://pay.example/${"a".repeat(2_000)}`],
  ["btc", "bitcoin:"],
  ["btc", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"],
  ["btc", "bitcoin:bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080?label=<b>"],
  ["lnurl", "https://pay.example/lnurlp"],
  ["ln" as "btc", "lnbcrt1abc"],
];

Deno.test("offerable() hands on what a customer's program may open", () => {
  assertEquals(offerable(good), good);
  const onion = `http://${"b2".repeat(28)}.onion/i/1`;
  assertEquals(offerable([{ type: "url", link: onion }]), [{ type: "url", link: onion }]);
  assertEquals(offerable([{ type: "lnurl", link: "lnurlp://pay.example/x" }]).length, 1);
});

for (const [type, link] of bad) {
  Deno.test(`offerable() leaves out ${type} ${JSON.stringify(link.slice(0, 50))}`, () => {
    assertEquals(offerable([{ type, link }]), []);
  });
}

Deno.test("offerable() takes one link of each type and nothing besides type and link", () => {
  const [btc] = good;
  const other = {
    type: "btc" as const,
    link: "bitcoin:bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry",
  };
  assertEquals(offerable([{ ...btc!, more: 1 } as PaymentLink, other]), [btc!]);
});
