/** What a message must be taken for at least, found in the simplest way: strict JSON, read by its own keys. */
export type Must = "order" | "cancellation" | "nothing";

/** Null where the simplest way can't tell: what a tolerant reader still makes out of the text is its own business. */
export function mustBe(content: string): Must | null {
  const text = content.trim();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Without a brace there is no object in it, whatever is undone.
    return text.includes("{") ? null : "nothing";
  }
  if (typeof json === "string") return json.includes("{") ? null : "nothing";
  if (typeof json !== "object" || json === null || Array.isArray(json)) return "nothing";
  const own = new Map(Object.entries(json));
  const type = own.get("type");
  if (type === 0 || type === "0") return "order";
  if (type === undefined || type === null || type === "") {
    return listsProducts(own.get("items")) ? "order" : "nothing";
  }
  if (type === 3 || type === "3") {
    return /^\s*cancell?ed\s*$/i.test(String(own.get("status"))) ? "cancellation" : "nothing";
  }
  return typeof type === "string" ? null : "nothing";
}

function listsProducts(items: unknown): boolean {
  return Array.isArray(items) && items.some((item) => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return false;
    const own = new Map(Object.entries(item));
    return ["product_id", "productId", "product"].some((key) => {
      const value = own.get(key);
      return (typeof value === "string" && value !== "") ||
        (typeof value === "number" && Number.isFinite(value));
    });
  });
}
