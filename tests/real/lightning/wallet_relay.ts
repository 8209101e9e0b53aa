import { systemClock } from "../../../src/clock.ts";
import { EventStore } from "../../../src/nostr/event_store.ts";
import { loadVerifier } from "../../../src/nostr/verify.ts";
import { systemRandom } from "../../../src/random.ts";
import { RelayServer } from "../../../src/relay/relay_server.ts";
import { sqliteFile } from "../../support/databases.ts";
import { silentLog } from "../../support/log.ts";

/** The built-in relay, open to every event, for wallets and who asks them (NIP-47). */
export interface WalletRelay extends AsyncDisposable {
  url: string;
}

/** Serves one on a port of its own. */
export async function serveWalletRelay(): Promise<WalletRelay> {
  const file = await sqliteFile();
  const database = await file.open();
  let url = "";
  const server = new RelayServer({
    database,
    store: new EventStore(database.kysely, { now: () => Math.floor(systemClock.now() / 1000) }),
    verifier: await loadVerifier(),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    admission: "open",
    info: () => ({ name: "wallets", version: "1" }),
    merchants: () => new Set(),
    url: () => url,
  });
  const http = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request, info) => server.handle(request, info.remoteAddr.hostname),
  );
  url = `ws://127.0.0.1:${http.addr.port}/relay`;
  return {
    url,
    async [Symbol.asyncDispose]() {
      await server.close();
      await http.shutdown();
      await file[Symbol.asyncDispose]();
    },
  };
}
