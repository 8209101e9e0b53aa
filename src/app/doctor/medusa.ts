import { z } from "zod";
import { type Ask, askOf } from "../../medusa/catalogue/ask.ts";
import type { Unusable } from "../../medusa/catalogue/choice.ts";
import { readSurroundings } from "../../medusa/catalogue/surroundings.ts";
import { MedusaClient } from "../../medusa/client.ts";
import { MedusaError, type MedusaErrorKind } from "../../medusa/medusa_error.ts";
import { normaliseCurrency } from "../../money/currency.ts";
import { isLoopback, type Settings } from "../../settings.ts";
import { choiceOf, medusaAccess } from "../medusa.ts";
import { type Finding, type Patient, problem, warning, well } from "./finding.ts";

const WHAT = "medusa";

const LOGIN =
  "Is it a user of Medusa's admin (medusa user -e … -p …), or a secret API key that isn't revoked?";
const REMEDIES: Record<MedusaErrorKind, string> = {
  unreachable: "Does Medusa run there, and does this machine reach it? NCC_MEDUSA_URL is where its API is.",
  unauthorized: LOGIN,
  not_found: "Is it a Medusa 2? NCC_MEDUSA_URL is where its API is, without /admin.",
  refused: "Look at what Medusa says, and into its log.",
  no_answer: "Look into Medusa's log; then ask the doctor again.",
  busy: "Look into Medusa's log; then ask the doctor again.",
  bad_answer: "Is it a Medusa 2? NCC_MEDUSA_URL is where its API is, without /admin.",
};

const stores = z.object({ stores: z.array(z.object({ name: z.string().nullish() })).min(1) });
const products = z.object({ count: z.int() });

/** What the doctor calls that by which nothing can be taken from Medusa. */
const LACKS: Record<Unusable["lack"], string> = {
  no_channel: "medusa channel",
  no_currency: "medusa currency",
  problem: "medusa zones",
};

/** The merchant's Medusa: whether we are let in, and find there what a shop needs. None is named: nothing. */
export async function lookAtMedusa({ settings, clock, log }: Patient): Promise<Finding[]> {
  const access = medusaAccess(settings);
  if (access === null) return [];
  const client = MedusaClient.create(access, { clock, log });
  const ask = askOf(client);
  const findings: Finding[] = [];
  try {
    // What was found before something failed is told, too.
    for await (const finding of looks(ask, settings, access)) findings.push(finding);
  } catch (error) {
    if (!(error instanceof MedusaError)) throw error;
    findings.push(problem(WHAT, error.message, REMEDIES[error.kind]));
  } finally {
    client.close();
  }
  return findings;
}

async function* looks(ask: Ask, settings: Settings, access: { url: string; email?: string | undefined }) {
  const { stores: [store] } = await ask({
    method: "GET",
    path: "/admin/stores",
    query: { fields: "name" },
    schema: stores,
  });
  yield lookAtDoor(access, `${new URL(access.url).host}: ${store!.name ?? "a store without a name"}`);
  const found = await readSurroundings(ask, choiceOf(settings));
  if (!found.ok) {
    yield problem(LACKS[found.lack], found.reason, found.remedy);
    return;
  }
  const { channel, storeKey, currency, regions, options } = found.surroundings;
  const query = { limit: 1, fields: "id", "sales_channel_id[]": [channel.id] };
  const { count } = await ask({ method: "GET", path: "/store/products", query, storeKey, schema: products });
  yield lookAtProducts(channel, count);
  const ways = `${options.length} shipping ${options.length === 1 ? "option" : "options"}`;
  const names = regions.map(({ name }) => name).join(", ");
  yield well("medusa zones", `${normaliseCurrency(currency)} in ${names}; ${ways}`);
}

function lookAtDoor({ url, email }: { url: string; email?: string | undefined }, detail: string): Finding {
  if (url.startsWith("http:") && !isLoopback(url)) {
    return warning(
      WHAT,
      `${detail}; the credentials go there unencrypted`,
      "Give NCC_MEDUSA_URL with https://.",
    );
  }
  if (email !== undefined) return well(WHAT, detail);
  return warning(
    WHAT,
    `${detail}; asked by an API key, which takes Medusa 40 ms more with every call`,
    "Set NCC_MEDUSA_EMAIL and NCC_MEDUSA_PASSWORD, too.",
  );
}

function lookAtProducts({ name }: { name: string }, count: number): Finding {
  if (count > 0) return well("medusa channel", `${name}: ${count} ${count === 1 ? "product" : "products"}`);
  const remedy = "Publish products in Medusa, and put them into this sales channel.";
  return warning("medusa channel", `${name}: no published product`, remedy);
}
