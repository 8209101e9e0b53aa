import type { MerchantRegistry } from "../../app/merchant_registry.ts";
import type { Access } from "../access.ts";
import { Problem } from "../problem.ts";

/** The merchant that a request means; who is bound to one means that one. Throws a `Problem` when it names an unknown one, or none where there are several. */
export function theMerchant(access: Access, merchants: MerchantRegistry, named: string | undefined): string {
  const merchant = merchants.only(named ?? access.merchant ?? undefined);
  if (merchant !== null) return merchant;
  const detail = named === undefined
    ? "Several merchants are served here: name one in `merchant`."
    : `No merchant ${named} is served here.`;
  throw new Problem(
    named === undefined ? 422 : 404,
    named === undefined ? "merchant_needed" : "not_found",
    detail,
    [{ pointer: "/merchant", detail }],
  );
}
