/** A rune as `createrune` makes them, of these restrictions (`method=invoice|method=listinvoices&…`), authenticated by nobody. */
export function runeOf(restrictions: string): string {
  const text = new TextEncoder().encode(`=7${restrictions === "" ? "" : `&${restrictions}`}`);
  const bytes = new Uint8Array([...crypto.getRandomValues(new Uint8Array(32)), ...text]);
  return bytes.toBase64({ alphabet: "base64url" });
}
