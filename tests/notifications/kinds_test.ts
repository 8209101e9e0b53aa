import { assertEquals, assertStringIncludes } from "@std/assert";
import { alertKinds } from "../../src/alert.ts";
import { judgeSetting } from "../../src/app/settings_check.ts";
import { unknownKind, wantedKinds } from "../../src/notifications/kinds.ts";
import { noticeText, summaryText } from "../../src/notifications/wording.ts";
import { readSettings } from "../../src/settings_reader.ts";

const WORDS: [string, (kind: string) => boolean][] = [
  ["all", () => true],
  ["", () => true],
  ["all,-chat", (kind) => kind !== "chat"],
  ["-chat -order_paid", (kind) => kind !== "chat" && kind !== "order_paid"],
  ["refund_due", (kind) => kind === "refund_due"],
  ["refund_due, chat,-chat", (kind) => kind === "refund_due"],
];
Deno.test("NCC_NOTIFY names kinds, or leaves some out", () => {
  for (const [words, wanted] of WORDS) {
    const read = readSettings({ NCC_NOTIFY: words }, () => "", judgeSetting);
    if (!read.ok) throw new Error(words);
    assertEquals([...wantedKinds(read.settings.NCC_NOTIFY)], alertKinds.filter(wanted), words);
  }
});

Deno.test("a kind of news that doesn't exist is refused, with the one that was meant", () => {
  const read = readSettings({ NCC_NOTIFY: "all,-order_payed" }, () => "", judgeSetting);
  const [problem] = read.ok ? [] : read.problems;
  assertStringIncludes(problem!.reason, '"-order_payed"');
  assertStringIncludes(problem!.reason, "Did you mean order_paid?");
  assertEquals([unknownKind(["-all"]), unknownKind(["all", "chat"])], ["-all", null]);
});

Deno.test("every kind of news is a sentence, with an order and without one", () => {
  const order = { id: "12345678-1", total_msat: 21_000_000, received_msat: 21_840_000 };
  for (const kind of alertKinds) {
    for (const text of [noticeText(kind, {}), noticeText(kind, { order })]) {
      assertEquals(/^[A-Z].*\.(\n|$)/.test(text), true, text);
      assertEquals(/undefined|null|NaN/.test(text), false, text);
    }
  }
  assertEquals(
    noticeText("refund_due", { order, detail: "Paid twice." }),
    "Order 12345678 needs a refund: 21,840 sat came for it.\nPaid twice.\nncc order show 12345678-1",
  );
  assertEquals(
    summaryText([{ kind: "order_paid", count: 1 }, { kind: "chat", count: 2 }]),
    "1 more order was paid. ncc order list --payment paid\n2 more messages came. GET /api/v1/messages?type=chat",
  );
});
