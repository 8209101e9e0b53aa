import { assertRejects } from "@std/assert";
import { BuiltInRelay } from "../support/built_in_relay.ts";
import { serveNpmRelay } from "../support/npm_relay.ts";
import { basicBehaviours } from "./conformance_basic.ts";
import { moreBehaviours } from "./conformance_more.ts";
import { type RelayUnderTest, run } from "./conformance_scene.ts";

/** Where the other relay does otherwise. Each of these checks must fail there, or it leaves this list. */
const otherwise = [
  // It answers OK to what was deleted, and neither keeps nor hands out deletions.
  "NIP-09: a deleted event that comes again is refused",
  "NIP-09: the deletion itself is kept and handed out",
  // The package has no document.
  "NIP-11: the information document says what is supported",
  // Its prefix is `reject:`.
  "NIP-40: an event that has expired is refused",
  "NIP-45: COUNT counts",
  // It guards kind 4 only.
  "NIP-59: a gift wrap is for its recipient only",
  "NIP-70: a protected event is taken from its author only",
  "NIP-70: a protected event isn't taken from another",
];
/** Long enough for an answer that comes; what doesn't come is waited for this long. */
const PATIENCE_FOR_NOTHING_MS = 1_000;

for (const [name, behaviour] of Object.entries({ ...basicBehaviours, ...moreBehaviours })) {
  Deno.test(`built-in relay: ${name}`, () => run(behaviour, serveBuiltIn));
  if (otherwise.includes(name)) {
    Deno.test(`npm relay doesn't: ${name}`, () =>
      assertRejects(() => run(behaviour, serveNpm, PATIENCE_FOR_NOTHING_MS)).then(() => {}));
  } else {
    Deno.test(`npm relay: ${name}`, () => run(behaviour, serveNpm));
  }
}

async function serveBuiltIn(): Promise<RelayUnderTest> {
  const relay = await BuiltInRelay.serve();
  return Object.assign(relay, { advance: (seconds: number) => relay.clock.advance(seconds * 1000) });
}

async function serveNpm(): Promise<RelayUnderTest> {
  return Object.assign(await serveNpmRelay(), { now: () => Math.floor(Date.now() / 1000) });
}
