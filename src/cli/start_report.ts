import meta from "../../deno.json" with { type: "json" };
import type { App } from "../app.ts";
import { type Check, checkSigner } from "../app/health.ts";
import { UNTOLD_OWNER, untoldOwners } from "../app/owners.ts";
import type { Summary } from "../app/summary.ts";
import { type Probed, probeWallet } from "../app/wallet_probe.ts";
import { systemClock } from "../clock.ts";
import type { Log } from "../log.ts";
import { npub } from "../nostr/keys.ts";
import type { Settings } from "../settings.ts";
import { sandbox } from "./sandbox.ts";
import type { Shell } from "./shell.ts";
import { printable } from "./terminal.ts";

/** A wallet that doesn't answer in this time is told about, and asked again when an order needs it. */
const WALLET_MS = 3_000;
/** Relays that aren't connected by then are told about; they are tried for ever. */
const RELAYS_MS = 1_500;
const LOOK_MS = 50;

/** What was seen of wallets, by merchant, and of relays, by URL, right after the start. */
interface Seen {
  wallets: Map<string, Probed | null>;
  relays: Map<string, string | null>;
  /** What a restore waits for; null when nothing is in the way. */
  fenced: string | null;
  /** How exchange rates are, where some are needed. */
  rates: Check | undefined;
  /** How on-chain payments are, where they are watched. */
  btc: Check | undefined;
  /** How Medusa is, where there is one. */
  medusa: Check | undefined;
}

/** Tells how the start went: lines on a terminal, log lines for machines. It ends early when the process is to end. */
export async function reportStart(
  app: App,
  settings: Settings,
  ready: { url: string; ms: number },
  shell: Shell,
  log: Log,
  terminated: Promise<void>,
): Promise<void> {
  const summary = await app.summary();
  if (!shell.human) tellMachines(app, summary, ready, log);
  const looking = Promise.all([probeAll(app), lookAtRelays(app)]);
  const found = await Promise.race([looking, terminated.then(() => null)]);
  if (found === null) return;
  const [wallets, relays] = found;
  if (shell.human) {
    const { restore, rates, btc, medusa } = (await app.health()).checks;
    const seen = { wallets, relays, fenced: restore?.detail ?? null, rates, btc, medusa };
    return shell.world.terminal.out(screen(app, settings, summary, seen, ready));
  }
  for (const [merchant, probed] of wallets) {
    if (probed === null) log.warn("wallet.none", { merchant });
    else if (probed.ok) {
      log.info("wallet.answers", { merchant, wallet: probed.text });
      for (const warning of probed.warnings) log.warn("wallet.warning", { merchant, warning });
    } else log.warn("wallet.silent", { merchant, error: probed.text, remedy: probed.remedy });
  }
}

function tellMachines(app: App, summary: Summary, ready: { url: string; ms: number }, log: Log): void {
  for (const { pubkey, keyCreated } of summary.merchants) {
    if (keyCreated) {
      log.info("key.created", { npub: npub(pubkey), back_it_up: "ncc key export --encrypted" });
    }
  }
  log.info("start.ready", {
    ...ready,
    pid: Deno.pid,
    version: meta.version,
    merchants: summary.merchants.map((merchant) => npub(merchant.pubkey)),
    admin_token: app.adminTokenPath,
  });
}

async function probeAll(app: App): Promise<Map<string, Probed | null>> {
  return new Map(
    await Promise.all(
      app.merchants.all().map(async ({ pubkey, wallet }) =>
        [pubkey, wallet === null ? null : await probeWallet(wallet, systemClock, WALLET_MS)] as const
      ),
    ),
  );
}

/** Why a relay isn't connected (null: it is), as soon as all are or after a while. */
async function lookAtRelays(app: App): Promise<Map<string, string | null>> {
  const end = performance.now() + RELAYS_MS;
  for (;;) {
    const states = new Map(
      app.merchants.all().flatMap((merchant) => merchant.relayStatus()).map((relay) =>
        [relay.url, relay.state === "connected" ? null : relay.error ?? relay.state] as const
      ),
    );
    if (performance.now() >= end || [...states.values()].every((why) => why === null)) return states;
    await systemClock.sleep(LOOK_MS);
  }
}

type Mark = "✓" | "!" | "✗";

/** How the relays are: by URL, why each isn't connected (null: it is). */
export function relayLine(
  relays: ReadonlyMap<string, string | null>,
): { mark: Mark; text: string; remedy?: string } {
  if (relays.size === 0) {
    const remedy = "Customers find the shop on relays they know: set NCC_RELAYS.";
    return { mark: "!", text: "only the built-in one", remedy };
  }
  const silent = [...relays].flatMap(([url, why]) => why === null ? [] : [`${url} (${why})`]);
  const text = `${relays.size - silent.length} of ${relays.size} connected: ${[...relays.keys()].join(" ")}`;
  if (silent.length === 0) return { mark: "✓", text };
  const remedy = `Not yet: ${silent.join(", ")}. They are tried again by themselves.`;
  return { mark: silent.length < relays.size ? "!" : "✗", text, remedy };
}

function screen(
  app: App,
  settings: Settings,
  seen: Summary,
  { wallets, relays, fenced, rates, btc, medusa }: Seen,
  ready: { url: string; ms: number },
): string {
  const lines: string[] = [];
  const say = (mark: Mark, what: string, text: string, remedy?: string) => {
    lines.push(`  ${mark} ${what.padEnd(9)} ${printable(text)}`);
    if (remedy !== undefined) lines.push(`              ${printable(remedy)}`);
  };
  say("✓", "data", `${settings.NCC_DATA_DIR}${seen.dataCreated ? " (created, 0700)" : ""}`);
  say(
    "✓",
    "database",
    `${seen.database} (schema ${seen.schema}) — ${seen.orders} orders, ${seen.openOrders} open`,
  );
  if (fenced !== null) say("✗", "restore", fenced);
  for (const { pubkey, keyCreated } of seen.merchants) {
    const merchant = app.merchants.get(pubkey);
    if (merchant && merchant.row.moved_to !== null) {
      say("✓", "key", `${npub(pubkey)} (moved to ${npub(merchant.row.moved_to)})`);
      continue;
    }
    const signer = merchant?.remote ? checkSigner(merchant.remote.status()) : null;
    if (signer) say(signer.ok ? "✓" : "!", "key", `${npub(pubkey)} via a ${signer.detail}`);
    else say("✓", "key", npub(pubkey), keyCreated ? KEY_NOTICE : undefined);
    const probed = wallets.get(pubkey);
    if (!probed) say("!", "wallet", 'none yet: orders are answered "can\'t take payments yet"', NO_WALLET);
    else if (probed.ok) {
      say(
        probed.warnings.length > 0 ? "!" : "✓",
        "wallet",
        probed.text,
        probed.warnings.join(" ") || undefined,
      );
    } else say("✗", "wallet", probed.text, probed.remedy);
  }
  if (untoldOwners(settings, app.merchants.keys()).length > 0) say("!", "owners", UNTOLD_OWNER);
  const { mark, text, remedy } = relayLine(relays);
  say(mark, "relays", text, remedy);
  if (rates) say(rates.ok ? "✓" : "!", "rates", rates.detail);
  if (btc) say(btc.ok ? "✓" : "!", "btc", btc.detail);
  if (medusa) say(medusa.ok ? "✓" : "!", "medusa", medusa.detail);
  const { safe, text: may } = sandbox();
  say(safe ? "✓" : "!", "sandbox", may);
  return [
    "",
    `  ncc ${meta.version} · Nostr Commerce Coordinator · deno ${Deno.version.deno} · pid ${Deno.pid}`,
    "",
    ...lines,
    "",
    `  API    ${ready.url}/api/v1 · ${ready.url}/openapi.json`,
    `  Relay  ${ready.url.replace(/^http/, "ws")}/relay`,
    `  Token  ${app.adminTokenPath}`,
    ...(seen.dataCreated
      ? ["", "  Set it up: ncc init · check it: ncc doctor · just looking: ncc demo"]
      : []),
    "",
    `  Ready in ${(ready.ms / 1000).toFixed(2)} s. Ctrl-C stops; nothing is lost when it stops.`,
    "",
  ].join("\n");
}

const KEY_NOTICE = "new, made now. Back it up: ncc key export --encrypted";
const NO_WALLET = "Set NCC_WALLET: nostr+walletconnect://… of your wallet, or demo: to try it without money.";
