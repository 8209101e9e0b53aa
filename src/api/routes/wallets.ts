import { z } from "@hono/zod-openapi";
import { FIRST_WALLET, type NamedWallet, type ServedMerchant } from "../../app/served_merchant.ts";
import type { WalletHooks } from "../../app/wallet_hooks.ts";
import { tryWallet } from "../../app/wallet_trial.ts";
import type { ObservedWallet } from "../../payments/observed_wallet.ts";
import { checkWalletUrl } from "../../payments/wallet_url.ts";
import type { ApiParts } from "../context.ts";
import { newApi } from "../new_api.ts";
import { pageOf, whole } from "../page.ts";
import { Problem } from "../problem.ts";
import { hexKey, json, merchantQuery, notFound, operation, wrongField } from "./describe.ts";

const PATIENCE_MS = 8_000;

const walletSchema = z.object({
  merchant: hexKey,
  name: z.string(),
  purpose: z.enum(["receive", "spend"]),
  kind: z.string(),
  about: z.string().openapi({ description: "where it leads, its secrets masked" }),
  up: z.boolean().nullable().openapi({ description: "whether it answered last; null: not asked yet" }),
  error: z.string().nullable(),
  network: z.string().nullable(),
  hook_url: z.string().nullable().openapi({
    description:
      "what its provider may call when something was paid; null where such calls aren't understood",
  }),
  caps: z.object({
    unit: z.enum(["msat", "sat"]),
    expiry: z.boolean(),
    subscribe: z.enum(["resumable", "live", "none"]),
    cancel: z.boolean(),
    hold: z.boolean(),
    pay: z.boolean(),
  }),
}).openapi("Wallet");

const trialSchema = z.object({
  ok: z.boolean(),
  network: z.string().nullable(),
  steps: z.array(
    z.object({ step: z.string(), ok: z.boolean(), detail: z.string(), remedy: z.string().nullable() }),
  ),
  lacks: z.array(z.string()).openapi({ description: "what it can't do, and what that means" }),
  warnings: z.array(z.string()),
}).openapi("WalletTrial");

const name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, "must be up to 32 of a-z, 0-9, _ and -");
const url = z.string().max(8_000).openapi({ description: "wallet URL; kept sealed, never shown" });
const newWallet = z.strictObject({
  merchant: hexKey.optional(),
  name,
  url,
  priority: z.int().min(1).max(1_000).default(100).openapi({
    description: "the lower one is asked first, after the first wallet",
  }),
});
const trial = z.strictObject({
  merchant: hexKey.optional(),
  name: name.optional().openapi({ description: "one that is set up; the first one is `main`" }),
  url: url.optional().openapi({ description: "one that isn't, or not yet" }),
});

const tag = "wallets";

/** What merchants receive with, and what refunds are paid from. */
export function walletRoutes({ merchants, walletRefusal, clock, random, hooks }: ApiParts) {
  const api = newApi();
  api.openapi(
    operation({
      method: "get",
      path: "/wallets",
      id: "listWallets",
      summary: "The wallets of each merchant, in the order in which they are asked for invoices",
      tag,
      scope: "wallets:read",
      reach: "named",
      request: { query: merchantQuery },
      answer: pageOf(walletSchema, "Wallets"),
      status: 200,
    }),
    (c) => {
      const { merchant } = c.req.valid("query");
      const asked = merchants.all().filter((one) => merchant === undefined || one.pubkey === merchant);
      return c.json(whole(asked.flatMap((one) => shapes(hooks, one))), 200);
    },
  );
  api.openapi(
    operation({
      method: "post",
      path: "/wallets",
      id: "addWallet",
      summary: "Receive with a further wallet when the ones before it can't",
      tag,
      // Its URL may be of our own network.
      scope: "operator",
      reach: "operator",
      request: json(newWallet),
      answer: walletSchema,
      status: 201,
    }),
    async (c) => {
      const { merchant: named, ...input } = c.req.valid("json");
      const merchant = whose(named);
      if (input.name === FIRST_WALLET) {
        throw wrongField("/name", "`main` is the first wallet: NCC_WALLET, or the merchant's own `wallet`.");
      }
      checkUrl(input.url);
      const known = await merchant.nameOf(input.url);
      if (known !== null) {
        const text =
          `This is the merchant's wallet ${known} already. A further one has to be another account.`;
        throw new Problem(409, "conflict", text);
      }
      if (!await merchants.addWallet(merchant.pubkey, input)) {
        throw new Problem(409, "conflict", `This merchant has a wallet ${input.name} already.`);
      }
      return c.json(shapeOf(hooks, merchant, find(merchant, input.name)!), 201);
    },
  );
  api.openapi(
    operation({
      method: "delete",
      path: "/wallets/{name}",
      id: "removeWallet",
      summary: "Receive no more with a further wallet",
      tag,
      scope: "wallets:write",
      reach: "named",
      request: {
        params: z.object({ name: name.openapi({ param: { name: "name", in: "path" } }) }),
        query: merchantQuery,
      },
      answer: z.object({ name: z.string(), removed: z.literal(true) }),
      status: 200,
    }),
    async (c) => {
      const { name } = c.req.valid("param");
      const merchant = whose(c.req.valid("query").merchant);
      if (!await merchants.removeWallet(merchant.pubkey, name)) throw notFound("wallet", name);
      return c.json({ name, removed: true as const }, 200);
    },
  );
  api.openapi(
    operation({
      method: "post",
      path: "/wallets/test",
      id: "testWallet",
      summary: "Make, look up and withdraw an invoice of 1 sat, and say what the wallet can't do",
      tag,
      scope: "operator",
      reach: "operator",
      request: json(trial),
      answer: trialSchema,
      status: 200,
    }),
    async (c) => {
      const input = c.req.valid("json");
      const merchant = whose(input.merchant);
      const tried = (wallet: ObservedWallet) =>
        tryWallet(wallet, { clock, random, patienceMs: PATIENCE_MS, signal: c.req.raw.signal });
      if (input.url === undefined) {
        const one = find(merchant, input.name ?? FIRST_WALLET);
        if (!one) throw notFound("wallet", input.name ?? FIRST_WALLET);
        return c.json(await tried(one.wallet), 200);
      }
      if (input.name !== undefined) throw wrongField("/name", "Name a wallet or give a URL, not both.");
      checkUrl(input.url);
      const wallet = merchant.openWallet(input.url);
      try {
        return c.json(await tried(wallet), 200);
      } finally {
        await wallet.close();
      }
    },
  );
  return api;

  function whose(named: string | undefined): ServedMerchant {
    const pubkey = merchants.only(named);
    if (pubkey !== null) return merchants.get(pubkey)!;
    if (named !== undefined) throw wrongField("/merchant", `No merchant ${named} is served here.`);
    throw new Problem(409, "conflict", "Several merchants are served. Say which one is meant: `merchant`.");
  }

  /** What the schema can't know. The refusals never quote the URL. */
  function checkUrl(url: string): void {
    const checked = checkWalletUrl(url);
    if (!checked.ok) throw wrongField("/url", checked.reason);
    const refusal = walletRefusal(url);
    if (refusal !== null) throw wrongField("/url", `The demo wallet ${refusal}`);
  }
}

function find(merchant: ServedMerchant, name: string): NamedWallet | undefined {
  return merchant.receiving.find((one) => one.name === name);
}

function shapes(hooks: WalletHooks, merchant: ServedMerchant): z.infer<typeof walletSchema>[] {
  return [
    ...merchant.receiving.map((one) => shapeOf(hooks, merchant, one)),
    ...(merchant.spend
      ? [shapeOf(hooks, merchant, { name: "refunds", wallet: merchant.spend }, "spend")]
      : []),
  ];
}

function shapeOf(
  hooks: WalletHooks,
  { pubkey }: ServedMerchant,
  { name, wallet }: Pick<NamedWallet, "name" | "wallet">,
  purpose: "receive" | "spend" = "receive",
): z.infer<typeof walletSchema> {
  const { unit, expiry, subscribe, cancel, hold, pay } = wallet.caps;
  return {
    merchant: pubkey,
    name,
    purpose,
    kind: wallet.kind,
    about: wallet.describe(),
    up: wallet.up,
    error: wallet.error,
    network: wallet.network,
    hook_url: purpose === "receive" ? hooks.urlOf(pubkey, name) : null,
    caps: { unit, expiry, subscribe, cancel, hold, pay },
  };
}
