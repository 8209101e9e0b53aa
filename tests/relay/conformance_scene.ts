import type { NostrEvent } from "@nostrify/types";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Key, newKey, NostrClient } from "../support/nostr_client.ts";

/** A relay under test. */
export interface RelayUnderTest extends AsyncDisposable {
  readonly url: string;
  /** Seconds on its clock. */
  now(): number;
  /** Moves its clock; a relay on the machine's clock can't, and skips what needs it. */
  advance?(seconds: number): Promise<void>;
}

/** Two clients and two people at a relay. */
export interface Scene {
  relay: RelayUnderTest;
  alice: NostrClient;
  bob: NostrClient;
  author: Key;
  other: Key;
}

/** What a relay does, by a name that starts with the NIP. */
export type Behaviours = Record<string, (scene: Scene) => Promise<void>>;

/** Runs one behaviour at a fresh relay. */
export async function run(
  behaviour: (scene: Scene) => Promise<void>,
  serve: () => Promise<RelayUnderTest>,
  patienceMs?: number,
): Promise<void> {
  await using relay = await serve();
  await using alice = await NostrClient.connect(relay.url, patienceMs);
  await using bob = await NostrClient.connect(relay.url, patienceMs);
  const [author, other] = [newKey(() => relay.now()), newKey(() => relay.now())];
  await behaviour({ relay, alice, bob, author, other });
}

/** Publishes, and expects a refusal with this prefix. */
export async function refused(client: NostrClient, event: NostrEvent, prefix: string): Promise<void> {
  const [accepted, reason] = await client.publish(event);
  assertEquals(accepted, false);
  assertStringIncludes(reason, prefix);
}

/** Ids in order, to compare sets. */
export function ids(events: NostrEvent[]): string[] {
  return events.map((event) => event.id).sort();
}
