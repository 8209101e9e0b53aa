/** The relay, as a process of its own: the npm package `@nostr-relay/core`. */
import { serveNpmRelay } from "../support/npm_relay.ts";
import { announce, parentGone } from "./control.ts";

if (import.meta.main) {
  const relay = await serveNpmRelay(0, { heedsTags: true });
  announce(relay.url);
  await parentGone();
  Deno.exit(0);
}
