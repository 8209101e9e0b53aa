import { brotliDecompress, gunzip, inflate } from "node:zlib";
import { promisify } from "node:util";

export type Decoded = { ok: true; bytes: Uint8Array } | { ok: false; reason: string };

const DECODERS: Record<
  string,
  (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>
> = {
  "gzip": promisify(gunzip),
  "x-gzip": promisify(gunzip),
  "deflate": promisify(inflate),
  "br": promisify(brotliDecompress),
};

/**
 * A body without the coding that its server put it into though it wasn't asked to (RFC 9110 §8.4). It stops at `mostBytes`: a
 * few thousand bytes can stand for a gigabyte. Several codings upon each other aren't undone.
 */
export async function decoded(
  bytes: Uint8Array,
  coding: string | undefined,
  mostBytes: number,
): Promise<Decoded> {
  const name = coding?.trim().toLowerCase() ?? "";
  if (name === "" || name === "identity" || bytes.length === 0) return { ok: true, bytes };
  const decode = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined;
  if (!decode) return { ok: false, reason: "its answer is in a coding that wasn't asked for" };
  try {
    return { ok: true, bytes: await decode(bytes, { maxOutputLength: mostBytes }) };
  } catch (error) {
    const { code } = error as { code?: unknown };
    return {
      ok: false,
      reason: code === "ERR_BUFFER_TOO_LARGE"
        ? `it answers more than ${mostBytes} bytes`
        : "its answer can't be decompressed",
    };
  }
}
