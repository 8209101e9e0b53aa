import type { MerchantRegistry } from "../../app/merchant_registry.ts";
import { Problem } from "../problem.ts";

/** The merchant that a request means. Throws a `Problem` when it names an unknown one, or none where there are several. */
export function theMerchant(merchants: MerchantRegistry, named: string | undefined): string {
  const merchant = merchants.only(named);
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
