import type { Command } from "commander";
import { getPublicKey } from "nostr-tools/pure";
import { findKey } from "../app/merchant_key.ts";
import { masterKeyPath } from "../app/open_keys.ts";
import { fenceShop, type RestoredShop, restoreShop } from "../app/restore.ts";
import { findServer } from "../app/running_server.ts";
import { hasKey } from "../app/set_up.ts";
import { systemClock } from "../clock.ts";
import { RestoreError } from "../db/restore.ts";
import { DatabaseInUseError } from "../db/sole_lock.ts";
import { npub } from "../nostr/keys.ts";
import { systemRandom } from "../random.ts";
import type { Settings } from "../settings.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit, printable, table } from "./terminal.ts";

interface RestoreJson {
  state: "none" | "fenced" | "lifted";
  relays: { relay: string | null; state: string; messages: number; note: string | null }[];
  unknown_orders: { count: number; some: { customer: string; customer_order_id: string; told: string }[] };
  orders_ahead: {
    id: string;
    customer_order_id: string;
    told: string;
    payment: string;
    fulfilment: string;
  }[];
  published: { kind: number; d: string; published_at: string; known: boolean }[];
  words: string[];
}

const NEXT = [
  "Nothing is sent, invoiced, refunded, delivered or published until you confirm.",
  "Next: ncc start, then: ncc restore show, then: ncc restore confirm",
];

/** `ncc restore`: a backup in the database's place, and what follows from it. */
export function restoreCommands(program: Command, shell: Shell): void {
  const restore = program.command("restore")
    .description("puts a backup in the database's place; nothing leaves then until you confirm")
    .argument("[file]", "the backup")
    .option("--fence", "the database was restored by other means (pg_restore): only put up the fence")
    .action(async (file: string | undefined, o: { fence?: boolean }) => {
      if ((file === undefined) === (o.fence !== true)) {
        throw new CommandError("Give the backup's file, or --fence after pg_restore.", exit.usage);
      }
      const settings = shell.settings();
      const restored = await carriedOut(settings, file);
      const notes = await notesOn(settings, restored);
      const shown = { ...restored, backup_at: new Date(restored.backup_at).toISOString(), notes };
      shell.show(shown, () =>
        [
          file === undefined ? "The fence stands." : `${file} is the shop's database now.`,
          `It knows what happened until ${
            shown.backup_at.slice(0, 19).replace("T", " ")
          } UTC; ${restored.orders} orders.`,
          ...(restored.kept === null ? [] : [`The database of before: ${restored.kept}`]),
          ...notes,
          ...NEXT,
        ].join("\n"));
    });
  restore.command("show").description("what relays and wallets know that the restored database doesn't")
    .action(() =>
      shell.withApi(async (api) => {
        const report = await api.call<RestoreJson>("GET", "/restore");
        shell.show(report, () => reportText(report));
      })
    );
  restore.command("confirm").description("the differences are in order: answer, send and publish again")
    .option("--anyway", "also while relays couldn't be read")
    .action((o: { anyway?: boolean }) =>
      shell.withApi(async (api) => {
        const report = await api.call<RestoreJson>("POST", "/restore/confirm", { anyway: o.anyway === true });
        shell.show(report, () => "The fence is down: what waited is done now.");
      })
    );
}

async function carriedOut(settings: Settings, file: string | undefined): Promise<RestoredShop> {
  if (await findServer(settings) !== null) {
    throw new CommandError(
      "A server runs here. Stop it first (Ctrl-C, or SIGTERM), then restore.",
      exit.unavailable,
    );
  }
  try {
    return file === undefined
      ? await fenceShop(settings, systemClock)
      : await restoreShop(settings, file, systemClock);
  } catch (error) {
    if (error instanceof RestoreError) throw new CommandError(error.message);
    if (error instanceof DatabaseInUseError) throw new CommandError(error.message, exit.unavailable);
    throw error;
  }
}

/** What the person should know before the start. */
async function notesOn(settings: Settings, { merchants, secrets }: RestoredShop): Promise<string[]> {
  const notes: string[] = [];
  if (await hasKey(settings)) {
    const { key } = await findKey(settings, systemRandom);
    const pubkey = key.type === "secret" ? getPublicKey(key.secretKey) : null;
    if (pubkey !== null && merchants.length > 0 && !merchants.some((one) => one.pubkey === pubkey)) {
      notes.push(
        `! The backup doesn't hold the shop of the present key (${npub(pubkey)}), but of ${
          merchants.map((one) => npub(one.pubkey)).join(", ")
        }. Put that shop's key back, or its customers can't be answered.`,
      );
    }
  } else {notes.push(
      "! There is no key here: put the shop's key back (NCC_KEY, or key.nsec) before the start.",
    );}
  if (secrets > 0 && !exists(masterKeyPath(settings.NCC_DATA_DIR))) {
    notes.push(
      `! ${secrets} sealed keys and wallets need the master key: put ${
        masterKeyPath(settings.NCC_DATA_DIR)
      } back.`,
    );
  }
  return notes;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function reportText(report: RestoreJson): string {
  const part = (title: string, headings: string[], rows: string[][]) =>
    rows.length === 0 ? [] : ["", title, table(headings, rows)];
  return [
    ...report.words.map(printable),
    ...part(
      "Relays",
      ["relay", "", "messages", ""],
      report.relays.map((one) => [one.relay ?? "built-in", one.state, String(one.messages), one.note ?? ""]),
    ),
    ...part(
      "Answered, and not in the books",
      ["order", "customer", "told"],
      report.unknown_orders.some.map((one) => [one.customer_order_id, one.customer.slice(0, 12), one.told]),
    ),
    ...part(
      "Told more than the books know",
      ["id", "order", "told", "payment", "fulfilment"],
      report.orders_ahead.map((
        one,
      ) => [one.id, one.customer_order_id, one.told, one.payment, one.fulfilment]),
    ),
    ...part(
      "Newer on the relays",
      ["", "id", "published", "in the books"],
      report.published.map((one) => [
        one.kind === 30017 ? "stall" : "product",
        one.d,
        one.published_at.slice(0, 19).replace("T", " "),
        one.known ? "older" : "missing",
      ]),
    ),
  ].join("\n");
}
