import { createRequire, registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import type { Event, EventRepository, Filter } from "@nostr-relay/common";
import type { NostrFilter } from "@nostrify/types";
import { matchFilter } from "nostr-tools/filter";
import { isAddressableKind, isReplaceableKind } from "nostr-tools/kinds";

/**
 * A relay that isn't ours, in this process: the npm package `@nostr-relay/core` over a memory of our own. It shows live events to
 * everybody, whatever their filters' tags say, unless it `heedsTags`: with a thousand clients that is a thousand copies of each.
 */
export async function serveNpmRelay(
  port = 0,
  { heedsTags = false } = {},
): Promise<{ url: string } & AsyncDisposable> {
  const { common, core, validation } = await load();
  if (heedsTags) {
    common.EventUtils.isMatchingFilter = (event, filter) => matchFilter(filter as NostrFilter, event);
  }
  const relay = new core.NostrRelay(memory(common.EventRepository), {
    hostname: "127.0.0.1",
    logLevel: common.LogLevel.ERROR,
    // Its caches answer with what was true a moment ago.
    filterResultCacheTtl: 0,
    eventHandlingResultCacheTtl: 0,
  });
  const validator = new validation.Validator();
  const server = Deno.serve({ port, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
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

/** NIP-01, 09 and 40 in maps: by id, by author and by `p`, so that thousands of events don't slow it down. */
function memory(Repository: typeof EventRepository): EventRepository {
  return new (class extends Repository {
    readonly #byAddress = new Map<string, Event>();
    readonly #index = new Map<string, Set<Event>>();
    readonly #deleted = new Set<string>();

    isSearchSupported(): boolean {
      return false;
    }

    upsert(event: Event): { isDuplicate: boolean } {
      const address = addressOf(event);
      const known = this.#byAddress.get(address);
      const isOlder = known !== undefined &&
        (known.created_at > event.created_at ||
          (known.created_at === event.created_at && known.id <= event.id));
      if (this.#deleted.has(event.id) || isOlder) return { isDuplicate: true };
      if (known) this.#remove(address, known);
      this.#byAddress.set(address, event);
      for (const key of indexKeys(event)) {
        const found = this.#index.get(key);
        if (found) found.add(event);
        else this.#index.set(key, new Set([event]));
      }
      return { isDuplicate: false };
    }

    find(filter: Filter): Event[] {
      const found = [...this.#candidates(filter)].filter((event) =>
        matchFilter(filter as NostrFilter, event) && !hasExpired(event)
      );
      found.sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
      return found.slice(0, filter.limit ?? found.length);
    }

    override deleteByDeletionRequest(request: Event): Promise<void> {
      for (const event of [...this.#index.get(`author ${request.pubkey}`) ?? []]) {
        const address = addressOf(event);
        const named = request.tags.some(([name, value]) =>
          name === "e" && value === event.id ||
          name === "a" && value === address && event.created_at <= request.created_at
        );
        if (!named) continue;
        this.#remove(address, event);
        this.#deleted.add(event.id);
      }
      return Promise.resolve();
    }

    destroy(): Promise<void> {
      return Promise.resolve();
    }

    #candidates(filter: Filter): Iterable<Event> {
      const by = (name: string, values: readonly string[]) =>
        new Set(values.flatMap((value) => [...this.#index.get(`${name} ${value}`) ?? []]));
      if (filter.ids) return by("id", filter.ids);
      if (filter["#p"]) return by("p", filter["#p"]);
      if (filter.authors) return by("author", filter.authors);
      return this.#byAddress.values();
    }

    #remove(address: string, event: Event): void {
      this.#byAddress.delete(address);
      for (const key of indexKeys(event)) this.#index.get(key)?.delete(event);
    }
  })();
}

function indexKeys(event: Event): string[] {
  const named = event.tags.flatMap(([name, value]) =>
    name === "p" && value !== undefined ? [`p ${value}`] : []
  );
  return [`id ${event.id}`, `author ${event.pubkey}`, ...named];
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
