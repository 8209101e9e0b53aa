import type { Clock } from "../../clock.ts";
import { Deadline } from "../../nostr/deadline.ts";
import { type RelayAnswer, RelayPool } from "../../nostr/relay_pool.ts";
import type { MerchantSigner } from "../../nostr/signer.ts";
import type { EventCrypto } from "../../nostr/verify.ts";
import { readAdminToken } from "../admin_token.ts";
import { checkPort, PortError } from "../http_server.ts";
import { findServer } from "../running_server.ts";
import { type Finding, type Patient, problem, warning, well } from "./finding.ts";

const ANSWER_MS = 5_000;
/** How often it is looked whether a relay can't even be reached. */
const LOOK_MS = 50;

/** The port: free, or ours already. */
export async function lookAtPort(patient: Patient): Promise<Finding> {
  const what = "port";
  const { settings } = patient;
  const { NCC_HOST: host, NCC_PORT: port } = settings;
  try {
    checkPort(host, port);
    return well(what, `${host}:${port} is free`);
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    const server = await findServer(settings);
    if (server !== null && await isOurs(server, patient)) return well(what, `ncc runs at ${server}`);
    const [first, ...rest] = error.message.split(/(?<=[.)]) (?=[A-Z])/);
    return problem(what, first!, rest.join(" "));
  }
}

/** Whether the server there takes the token of this data directory. */
async function isOurs(url: string, { settings, clock }: Patient): Promise<boolean> {
  const token = settings.NCC_ADMIN_TOKEN ?? await readAdminToken(settings.NCC_DATA_DIR);
  if (token === null) return false;
  using deadline = new Deadline(clock, ANSWER_MS);
  const response = await fetch(`${url}/api/v1/merchants`, {
    headers: { authorization: `Bearer ${token}` },
    signal: deadline.signal,
  });
  await response.body?.cancel();
  return response.ok;
}

/** Each configured relay: whether it answers a question. */
export async function lookAtRelays(
  { settings, clock, random, log }: Patient,
  crypto: EventCrypto,
  signer: MerchantSigner | null,
): Promise<Finding[]> {
  const urls = [...new Set([...settings.NCC_RELAYS, ...(settings.NCC_DM_RELAYS ?? [])])];
  if (urls.length === 0) {
    return [
      warning(
        "relays",
        "none besides the built-in one",
        "Customers find the shop on relays they know: NCC_RELAYS=wss://…,wss://…",
      ),
    ];
  }
  const pool = new RelayPool({ signer, clock, random, log, verifier: crypto });
  try {
    return await Promise.all(urls.map(async (url) => {
      const answer = await ask(pool, url, clock);
      return answer.ok ? well("relay", `${url} answers`) : problem(
        "relay",
        `${url} doesn't answer: ${answer.reason}`,
        "Check its address, or take it out of NCC_RELAYS. The shop works on without it.",
      );
    }));
  } finally {
    await pool.close();
  }
}

/** Asks a relay something small. One that can't be connected to isn't waited for, as the pool would. */
async function ask(pool: RelayPool, url: string, clock: Clock): Promise<RelayAnswer> {
  const over = new AbortController();
  const { signal } = over;
  const failing = async () => {
    for (const link = pool.link(url); !signal.aborted; await clock.sleep(LOOK_MS, signal)) {
      const { state, error } = link.status();
      if (state === "waiting") over.abort(new Error(error ?? "it can't be reached"));
    }
  };
  const watching = failing();
  const [answer] = await pool.queryEach([url], [{ kinds: [10002], limit: 1 }], {
    timeoutMs: ANSWER_MS,
    signal,
  });
  over.abort();
  await watching;
  return answer!;
}
