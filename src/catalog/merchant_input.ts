import { z } from "zod";
import { imageUrl, line, longText } from "./fields.ts";

/** NIP-01 and NIP-24: the fields of kind 0 that a shop needs. */
export const profileInput = z.strictObject({
  name: line(200).optional(),
  display_name: line(200).optional(),
  about: longText(10_000).optional(),
  picture: imageUrl.optional(),
  banner: imageUrl.optional(),
  website: imageUrl.optional(),
  nip05: line(320).optional(),
  lud16: line(320).optional(),
});

/** What may be changed of a merchant; a profile replaces the one before. */
export const merchantInput = z.strictObject({
  name: line(200).optional(),
  profile: profileInput.optional(),
});

export type Profile = z.output<typeof profileInput>;
export type MerchantInput = z.output<typeof merchantInput>;
