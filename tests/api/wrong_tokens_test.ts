import { assertEquals, assertThrows } from "@std/assert";
import { Problem } from "../../src/api/problem.ts";
import { WrongTokens } from "../../src/api/wrong_tokens.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** Seconds that an address has to wait; 0: it is listened to. */
function pause(tokens: WrongTokens, address: string | undefined, token = "guess"): number {
  try {
    tokens.check(address, token);
    return 0;
  } catch (error) {
    if (error instanceof Problem && error.status === 429) return Number(error.headers["retry-after"]);
    throw error;
  }
}

function guess(tokens: WrongTokens, times: number, address: string | undefined = "a"): void {
  for (let i = 0; i < times; i++) tokens.wrong(address);
}

Deno.test("five wrong tokens in a minute: the address waits, twice as long each time, an hour at most", async () => {
  const clock = new FakeClock();
  const tokens = new WrongTokens(clock);
  guess(tokens, 4);
  assertEquals(pause(tokens, "a"), 0);
  const pauses: number[] = [];
  guess(tokens, 1);
  for (let i = 0; i < 8; i++) {
    pauses.push(pause(tokens, "a"));
    await clock.advance(pauses.at(-1)! * 1000);
    assertEquals(pause(tokens, "a"), 0);
    guess(tokens, 5);
  }
  assertEquals(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600]);
  assertEquals(pause(tokens, "b"), 0);
});

Deno.test("four a minute are mistakes; an hour of silence starts anew", async () => {
  const clock = new FakeClock();
  const tokens = new WrongTokens(clock);
  for (let i = 0; i < 5; i++) {
    guess(tokens, 4);
    await clock.advance(60_000);
  }
  assertEquals(pause(tokens, "a"), 0);
  guess(tokens, 5);
  await clock.advance(60_000 + 3_600_001);
  guess(tokens, 5);
  assertEquals(pause(tokens, "a"), 60);
});

Deno.test("a token that was right from this address is listened to while others guess from it", () => {
  const tokens = new WrongTokens(new FakeClock());
  tokens.right("a", "mine");
  guess(tokens, 5);
  assertEquals([pause(tokens, "a", "mine"), pause(tokens, "a", "other")], [0, 60]);
  tokens.right("b", "other");
  assertThrows(() => tokens.check("a", "other"), Problem);
});

Deno.test("requests from within the process have no address, and no limit", () => {
  const tokens = new WrongTokens(new FakeClock());
  guess(tokens, 50, undefined);
  assertEquals(pause(tokens, undefined), 0);
});
