import { createRequire, registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import type { Event, EventRepository, Filter } from "@nostr-relay/common";
import type { NostrFilter } from "@nostrify/types";
import { matchFilter } from "nostr-tools/filter";
import { isAddressableKind, isReplaceableKind } from "nostr-tools/kinds";

/** A relay that isn't ours, in this process: the npm package `@nostr-relay/core` over a memory of our own. */
export async function serveNpmRelay(): Promise<{ url: string } & AsyncDisposable> {
  const { common, core, validation } = await load();
  const relay = new core.NostrRelay(memory(common.EventRepository), {
    hostname: "127.0.0.1",
    logLevel: common.LogLevel.ERROR,
    // Its caches answer with what was true a moment ago.
    filterResultCacheTtl: 0,
    eventHandlingResultCacheTtl: 0,
  });
  const validator = new validation.Validator();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    if (request.headers.get("upgrade") !== "websocket") return Response.json({ name: "npm relay" });
    const { socket, response } = Deno.upgradeWebSocket(request);
    // deno-lint-ignore no-explicit-any -- its `send` takes a callback that web sockets haven't
    const client = socket as any;
    socket.onopen = () => relay.handleConnection(client);
    socket.onclose = () => relay.handleDisconnect(client);
    socket.onerror = (event) => event.preventDefault();
    socket.onmessage = async (message) => {
      try {
        await relay.handleMessage(client, await validator.validateIncomingMessage(message.data));
      } catch (error) {
        if (socket.readyState === WebSocket.OPEN) {
          socket.send(JSON.stringify(["NOTICE", (error as Error).message]));
        }
      }
    };
    return response;
  });
  return {
    url: `ws://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: async () => {
      await server.shutdown();
      await relay.destroy();
    },
  };
}

/** The package uses a hash library that it doesn't name among its own: it gets that of its curve library. */
async function load() {
  let curves = "";
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === "@noble/hashes/sha256" && context.parentURL?.includes("@nostr-relay")) {
        return { url: pathToFileURL(createRequire(curves).resolve(specifier)).href, shortCircuit: true };
      }
      const found = next(specifier, context);
      if (specifier === "@noble/curves/secp256k1") curves = found.url;
      return found;
    },
  });
  try {
    const { default: common } = await import("@nostr-relay/common");
    const { default: core } = await import("@nostr-relay/core");
    const { default: validation } = await import("@nostr-relay/validator");
    return { common, core, validation };
  } finally {
    hooks.deregister();
  }
}

/** NIP-01, 09 and 40 in a map. */
function memory(Repository: typeof EventRepository): EventRepository {
  return new (class extends Repository {
    readonly #events = new Map<string, Event>();
    readonly #deleted = new Set<string>();

    isSearchSupported(): boolean {
      return false;
    }

    upsert(event: Event): { isDuplicate: boolean } {
      const address = addressOf(event);
      const known = this.#events.get(address);
      const isOlder = known !== undefined &&
        (known.created_at > event.created_at ||
          (known.created_at === event.created_at && known.id <= event.id));
      if (this.#deleted.has(event.id) || isOlder) return { isDuplicate: true };
      this.#events.set(address, event);
      return { isDuplicate: false };
    }

    find(filter: Filter): Event[] {
      const found = [...this.#events.values()].filter((event) =>
        matchFilter(filter as NostrFilter, event) && !hasExpired(event)
      );
      found.sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
      return found.slice(0, filter.limit ?? found.length);
    }

    override deleteByDeletionRequest(request: Event): Promise<void> {
      for (const [address, event] of this.#events) {
        const named = request.tags.some(([name, value]) =>
          name === "e" && value === event.id ||
          name === "a" && value === address && event.created_at <= request.created_at
        );
        if (!named || event.pubkey !== request.pubkey) continue;
        this.#events.delete(address);
        this.#deleted.add(event.id);
      }
      return Promise.resolve();
    }

    destroy(): Promise<void> {
      return Promise.resolve();
    }
  })();
}

function addressOf(event: Event): string {
  if (isReplaceableKind(event.kind)) return `${event.kind}:${event.pubkey}:`;
  if (!isAddressableKind(event.kind)) return event.id;
  return `${event.kind}:${event.pubkey}:${event.tags.find((tag) => tag[0] === "d")?.[1] ?? ""}`;
}

function hasExpired(event: Event): boolean {
  const value = event.tags.find((tag) => tag[0] === "expiration")?.[1];
  return value !== undefined && Number(value) <= Date.now() / 1000;
}
