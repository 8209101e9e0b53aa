import { z } from "@hono/zod-openapi";
import { merchantInput, profileInput } from "../../catalog/merchant_input.ts";
import type { MerchantRow } from "../../catalog/merchants_store.ts";
import { npub, parseSecretKey } from "../../nostr/keys.ts";
import { checkWalletUrl } from "../../payments/wallet_url.ts";
import type { ApiParts } from "../context.ts";
import { newApi } from "../new_api.ts";
import { Problem } from "../problem.ts";
import { pageOf, whole } from "../page.ts";
import { hexKey, json, operation, rfc3339, time, wrongField } from "./describe.ts";

/** A merchant as the API shows it. */
export const merchantSchema = z.object({
  pubkey: hexKey,
  npub: z.string(),
  name: z.string(),
  profile: z.record(z.string(), z.unknown()),
  state: z.enum(["active", "paused"]),
  pause_message: z.string().nullable(),
  halted: z.string().nullable().openapi({
    description: "why nothing is answered until somebody resumes; null: all is well",
  }),
  moved_to: hexKey.nullable().openapi({
    description: "the key that the shop has moved to; null: it is here",
  }),
  wallet: z.string().nullable().openapi({ description: "what takes the money, its secrets masked" }),
  created_at: time,
  updated_at: time,
}).openapi("Merchant");

const newMerchant = z.strictObject({
  name: z.string().trim().min(1).max(200),
  secret_key: z.string().max(100).optional().openapi({
    description: "nsec or hex; a new key is made without it",
  }),
  profile: profileInput.optional(),
  wallet: z.string().max(2_000).optional().openapi({ description: "wallet URL; kept sealed" }),
  wallet_spend: z.string().max(2_000).optional().openapi({
    description: "URL of the wallet that refunds are paid from; kept sealed",
  }),
});

const params = z.object({ pubkey: hexKey.openapi({ param: { name: "pubkey", in: "path" } }) });
const tag = "merchants";

/** The keys that sell here. */
export function merchantRoutes({ merchants, walletRefusal }: ApiParts) {
  const api = newApi();
  api.openapi(
    operation({
      method: "get",
      path: "/merchants",
      id: "listMerchants",
      summary: "All merchants that the token sees",
      tag,
      scope: "merchant:read",
      reach: "handler",
      request: {},
      answer: pageOf(merchantSchema, "Merchants"),
      status: 200,
    }),
    (c) => {
      const access = c.get("access");
      const seen = merchants.all().filter((one) => access.sees(one.pubkey));
      return c.json(whole(seen.map((one) => shape(one.row, one.walletText))), 200);
    },
  );
  api.openapi(
    operation({
      method: "post",
      path: "/merchants",
      id: "createMerchant",
      summary: "Serve another merchant",
      tag,
      scope: "operator",
      reach: "operator",
      request: json(newMerchant),
      answer: merchantSchema,
      status: 201,
    }),
    async (c) => {
      const input = c.req.valid("json");
      check(input);
      const made = await merchants.create({
        name: input.name,
        profile: input.profile ?? {},
        ...(input.secret_key !== undefined && { secretKey: input.secret_key }),
        ...(input.wallet !== undefined && { wallet: input.wallet }),
        ...(input.wallet_spend !== undefined && { walletSpend: input.wallet_spend }),
      });
      if (!made.ok) {
        throw new Problem(made.conflict ? 409 : 422, made.conflict ? "conflict" : "invalid", made.reason);
      }
      return c.json(shape(made.merchant.row, made.merchant.walletText), 201);
    },
  );
  api.openapi(
    operation({
      method: "get",
      path: "/merchants/{pubkey}",
      id: "getMerchant",
      summary: "One merchant",
      tag,
      scope: "merchant:read",
      reach: "merchant",
      request: { params },
      answer: merchantSchema,
      status: 200,
    }),
    (c) => c.json(shown(c.req.valid("param").pubkey), 200),
  );
  api.openapi(
    operation({
      method: "patch",
      path: "/merchants/{pubkey}",
      id: "changeMerchant",
      summary: "Change the name or the profile and publish it",
      tag,
      scope: "merchant:write",
      reach: "merchant",
      request: { params, ...json(merchantInput) },
      answer: merchantSchema,
      status: 200,
    }),
    async (c) => {
      const { pubkey } = c.req.valid("param");
      shown(pubkey);
      await merchants.change(pubkey, c.req.valid("json"));
      return c.json(shown(pubkey), 200);
    },
  );
  action(
    "publish",
    "Publish profile and relay lists again",
    z.strictObject({}),
    (pubkey) => merchants.publish(pubkey),
  );
  action(
    "pause",
    "Take no orders; those who order are told the message",
    z.strictObject({ message: z.string().trim().max(500).optional() }),
    (pubkey, body) => merchants.pause(pubkey, body.message ?? null),
  );
  action(
    "resume",
    "Take orders again, and answer again after a halt",
    z.strictObject({}),
    (pubkey) => {
      if (merchants.get(pubkey)!.row.moved_to !== null) {
        throw new Problem(409, "conflict", "This shop has moved to another key. Work with that one.");
      }
      return merchants.resume(pubkey);
    },
  );
  return api;

  /** What the schema can't know. The refusals quote neither the key nor the wallet's URL. */
  function check({ secret_key, ...wallets }: z.infer<typeof newMerchant>): void {
    if (secret_key !== undefined) {
      const key = parseSecretKey(secret_key);
      if (!key.ok) throw wrongField("/secret_key", key.reason);
    }
    for (const field of ["wallet", "wallet_spend"] as const) {
      const url = wallets[field];
      if (url === undefined) continue;
      const checked = checkWalletUrl(url);
      if (!checked.ok) throw wrongField(`/${field}`, checked.reason);
      const refusal = walletRefusal(url);
      if (refusal !== null) throw wrongField(`/${field}`, `The demo wallet ${refusal}`);
    }
  }

  function action<T>(
    verb: string,
    summary: string,
    body: z.ZodType<T>,
    act: (pubkey: string, body: T) => Promise<void>,
  ): void {
    api.openapi(
      operation({
        method: "post",
        path: `/merchants/{pubkey}/${verb}` as "/merchants/{pubkey}/verb",
        id: `${verb}Merchant`,
        summary,
        tag,
        scope: "merchant:write",
        reach: "merchant",
        request: { params, ...json(body as z.ZodType) },
        answer: merchantSchema,
        status: 200,
      }),
      async (c) => {
        const { pubkey } = c.req.valid("param");
        shown(pubkey);
        await act(pubkey, c.req.valid("json") as T);
        return c.json(shown(pubkey), 200);
      },
    );
  }

  function shown(pubkey: string) {
    const found = merchants.get(pubkey);
    if (!found) throw new Problem(404, "not_found", `No merchant ${pubkey} is served here.`);
    return shape(found.row, found.walletText);
  }
}

/** Of a row, and of what takes the money. */
export function shape(row: MerchantRow, wallet: string | null): z.infer<typeof merchantSchema> {
  return {
    pubkey: row.pubkey,
    npub: npub(row.pubkey),
    name: row.name,
    profile: JSON.parse(row.profile) as Record<string, unknown>,
    state: row.state,
    pause_message: row.pause_message,
    halted: row.halted,
    moved_to: row.moved_to,
    wallet,
    created_at: rfc3339(row.created_at),
    updated_at: rfc3339(row.updated_at),
  };
}
