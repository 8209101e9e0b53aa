/** Bytes that people pass around as hex, base64 or base64url, padded or not; null when it is none of these. */
export function readBytes(text: string): Uint8Array | null {
  const bare = text.trim();
  if (bare === "") return null;
  if (/^([0-9a-f]{2})+$/i.test(bare)) return Uint8Array.fromHex(bare);
  return readBase64(bare);
}

/** The same without hex. A query turns `+` into a space. */
export function readBase64(text: string): Uint8Array | null {
  const standard = text.trim().replace(/[ -]/g, "+").replaceAll("_", "/").replace(/=+$/, "");
  if (standard === "" || !/^[A-Za-z0-9+/]+$/.test(standard) || standard.length % 4 === 1) return null;
  return Uint8Array.fromBase64(standard);
}

/** A certificate of a wallet's URL, as PEM: base64url of PEM or of DER. Null when it is none. */
export function readCertificate(text: string): string | null {
  const bytes = readBase64(text);
  if (bytes === null) return null;
  const written = new TextDecoder().decode(bytes);
  if (written.includes("-----BEGIN CERTIFICATE-----")) return written;
  // DER: a SEQUENCE of more than 255 bytes.
  if (bytes[0] !== 0x30 || bytes[1] !== 0x82) return null;
  const lines = bytes.toBase64().match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
