import { z } from "zod";
import { MedusaClient, type MedusaQuestion } from "../../medusa/client.ts";
import { MedusaError, type MedusaErrorKind } from "../../medusa/medusa_error.ts";
import { isKnownCurrency } from "../../money/currency.ts";
import { isLoopback, type Settings } from "../../settings.ts";
import { medusaAccess } from "../medusa.ts";
import { type Finding, type Patient, problem, warning, well } from "./finding.ts";

const WHAT = "medusa";
const MOST = 1_000;

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

const channel = z.object({ id: z.string(), name: z.string() });
const stores = z.object({
  stores: z.array(z.object({
    name: z.string().nullish(),
    supported_currencies: z.array(z.object({ currency_code: z.string(), is_default: z.boolean() })),
  })).min(1),
});
const keys = z.object({
  api_keys: z.array(z.object({
    token: z.string(),
    revoked_at: z.string().nullish(),
    sales_channels: z.array(channel).nullish(),
  })),
});
const regions = z.object({ regions: z.array(z.object({ name: z.string(), currency_code: z.string() })) });
const options = z.object({ shipping_options: z.array(z.object({ name: z.string() })) });
const products = z.object({ count: z.int() });

/** A channel, and a publishable key that shows it. */
interface Shown {
  id: string;
  name: string;
  token: string;
}

type Ask = <T>(path: string, question: Omit<MedusaQuestion<T>, "priority">) => Promise<T>;

/** The merchant's Medusa: whether we are let in, and find there what a shop needs. None is named: nothing. */
export async function lookAtMedusa({ settings, clock, log }: Patient): Promise<Finding[]> {
  const access = medusaAccess(settings);
  if (access === null) return [];
  const client = MedusaClient.create(access, { clock, log });
  const ask: Ask = (path, question) => client.get(path, { ...question, priority: "order" });
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
  const { stores: [store] } = await ask("/admin/stores", {
    schema: stores,
    query: { fields: "name,*supported_currencies" },
  });
  yield lookAtDoor(access, `${new URL(access.url).host}: ${store!.name ?? "a store without a name"}`);

  const { api_keys } = await ask("/admin/api-keys", {
    schema: keys,
    query: { type: "publishable", limit: MOST },
  });
  const shown = api_keys.filter(({ revoked_at }) => !revoked_at).flatMap(({ token, sales_channels }) =>
    (sales_channels ?? []).map(({ id, name }) => ({ id, name, token }))
  );
  const chosen = chooseChannel(shown, settings.NCC_MEDUSA_CHANNEL);
  if ("detail" in chosen) yield chosen;
  else {
    const query = { limit: 1, fields: "id", "sales_channel_id[]": [chosen.id] };
    const { count } = await ask("/store/products", { schema: products, query, storeKey: chosen.token });
    yield lookAtProducts(chosen, count);
  }

  const currency = lookAtCurrency(store!.supported_currencies, settings.NCC_MEDUSA_CURRENCY);
  if (typeof currency !== "string") {
    yield currency;
    return;
  }
  const found = await ask("/admin/regions", {
    schema: regions,
    query: { limit: MOST, fields: "name,currency_code" },
  });
  const { shipping_options } = await ask("/admin/shipping-options", {
    schema: options,
    query: { limit: MOST, fields: "name" },
  });
  yield lookAtZones(currency, found.regions, shipping_options.length);
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

/** The channel that is sold from; a finding where there is none, or there are several. */
function chooseChannel(shown: readonly Shown[], wanted: string | undefined): Shown | Finding {
  const channels = [...new Map(shown.map((one) => [one.id, one])).values()];
  const names = channels.map(({ id, name }) => `${name} (${id})`).sort().join(", ");
  const what = "medusa channel";
  if (channels.length === 0) {
    const remedy =
      "Make one in Medusa's settings, and give it the sales channel whose products are sold here.";
    return problem(what, "no publishable API key has a sales channel", remedy);
  }
  const found = wanted === undefined
    ? channels
    : channels.filter(({ id, name }) => wanted === id || wanted === name);
  if (found.length === 1) return found[0]!;
  return found.length === 0
    ? problem(
      what,
      `no publishable API key has the sales channel ${wanted}`,
      `Set NCC_MEDUSA_CHANNEL to one of: ${names}.`,
    )
    : problem(
      what,
      "several sales channels have a publishable API key",
      `Set NCC_MEDUSA_CHANNEL to one of: ${names}.`,
    );
}

function lookAtProducts({ name }: Shown, count: number): Finding {
  if (count > 0) return well("medusa channel", `${name}: ${count} ${count === 1 ? "product" : "products"}`);
  const remedy = "Publish products in Medusa, and put them into this sales channel.";
  return warning("medusa channel", `${name}: no published product`, remedy);
}

/** The currency that is sold in, as Medusa writes it; a finding where there is none. */
function lookAtCurrency(
  supported: readonly { currency_code: string; is_default: boolean }[],
  wanted: string | undefined,
): string | Finding {
  const codes = supported.map(({ currency_code }) => currency_code.toUpperCase()).join(", ");
  const remedy = `Set NCC_MEDUSA_CURRENCY to one of those that Medusa's store has: ${codes || "none yet"}.`;
  const code = wanted?.toLowerCase() ?? supported.find(({ is_default }) => is_default)?.currency_code;
  if (code === undefined) return problem("medusa currency", "the store has no default currency", remedy);
  if (!supported.some(({ currency_code }) => currency_code === code)) {
    return problem("medusa currency", `the store doesn't have ${code.toUpperCase()}`, remedy);
  }
  return isKnownCurrency(code)
    ? code
    : problem("medusa currency", `${code.toUpperCase()} is no currency that is known here`, remedy);
}

function lookAtZones(
  currency: string,
  all: readonly { name: string; currency_code: string }[],
  ways: number,
): Finding {
  const what = "medusa zones";
  const code = currency.toUpperCase();
  const ours = all.filter(({ currency_code }) => currency_code === currency).map(({ name }) => name);
  if (ours.length === 0) {
    const others = all.map(({ name, currency_code }) => `${name} (${currency_code.toUpperCase()})`).join(
      ", ",
    );
    const remedy = `Make a region with it in Medusa, or set NCC_MEDUSA_CURRENCY. There are: ${
      others || "none"
    }.`;
    return problem(what, `no region has the currency ${code}`, remedy);
  }
  if (ways === 0) {
    return problem(
      what,
      "there is no shipping option",
      "Make one in Medusa, at the stock location of your goods.",
    );
  }
  const options = `${ways} shipping ${ways === 1 ? "option" : "options"}`;
  return well(what, `${code} in ${ours.join(", ")}; ${options}`);
}
