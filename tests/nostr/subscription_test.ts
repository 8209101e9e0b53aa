import { assertEquals, assertRejects } from "@std/assert";
import { type ReqMessage, Subscription } from "../../src/nostr/subscription.ts";

const eose: ReqMessage = ["EOSE", "x"];

Deno.test("messages come in order, those before a failure too, and CLOSED is the last", async () => {
  const closed = new Subscription([]);
  for (const message of [eose, ["CLOSED", "x", "why"], eose] as ReqMessage[]) closed.push(message);
  assertEquals(await Array.fromAsync(closed.messages()), [eose, ["CLOSED", "x", "why"]]);
  assertEquals(closed.closed, true);

  const failed = new Subscription([]);
  failed.push(eose);
  failed.fail(new Error("gone"));
  failed.fail(new Error("later"));
  const got: ReqMessage[] = [];
  await assertRejects(
    async () => {
      for await (const message of failed.messages()) got.push(message);
    },
    Error,
    "gone",
  );
  assertEquals(got, [eose]);
});

Deno.test("who reads is woken, and left alone when the signal fires", async () => {
  const subscription = new Subscription([]);
  const stop = new AbortController();
  const messages = subscription.messages(stop.signal);
  const next = messages.next();
  subscription.push(eose);
  assertEquals(await next, { value: eose, done: false });
  const waiting = messages.next();
  stop.abort(new Error("enough"));
  await assertRejects(() => waiting, Error, "enough");
});

Deno.test("it takes no more than its reader can bear", () => {
  const subscription = new Subscription([]);
  for (let i = 0; i < 5_000; i++) assertEquals(subscription.push(eose), true);
  assertEquals(subscription.push(eose), false);
});
