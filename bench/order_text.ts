/** An order as LNbits' market app sends it, for what `NccServer.openShop` sells. */
export function orderText(id: string): string {
  return JSON.stringify({
    address: "1 Example Street, Exampletown",
    message: null,
    contact: { nostr: null, email: null },
    items: [{ product_id: "lamp", quantity: 1 }],
    shipping_id: "post",
    type: 0,
    id,
  });
}
