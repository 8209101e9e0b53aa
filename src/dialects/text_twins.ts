/** A text that goes with an order: some clients send one for people beside the JSON for machines. */
export interface TextTwin {
  /** `claim`: the customer says that it is paid, which proves nothing. */
  type: "twin" | "claim";
  /** The order's id, or the beginning of it in the case of the text; null when it names none. */
  orderRef: string | null;
}

/** `\uFE0F` asks for an emoji's coloured form; keyboards add it or don't. */
const FORMS: { type: TextTwin["type"]; begins: RegExp }[] = [
  { type: "twin", begins: /^🛒\uFE0F?\s*NEW ORDER\b/iu },
  { type: "twin", begins: /^📦\uFE0F?\s*New Order\b/iu },
  { type: "claim", begins: /^✅\uFE0F?\s*PAYMENT RECEIVED\b/iu },
];

/** Recognises such a text by how it begins; null for every other text. */
export function readTextTwin(content: string): TextTwin | null {
  const text = content.trimStart();
  const form = FORMS.find(({ begins }) => begins.test(text));
  if (!form) return null;
  const whole = /^Order ID:\s*(\S{1,256})\s*$/m.exec(text)?.[1];
  const short = /#([^\s#]{4,256})/.exec(text)?.[1];
  return { type: form.type, orderRef: whole ?? short ?? null };
}

/** Whether such a reference means the order with this id. Short ones are the id's beginning, often in capitals. */
export function refersTo(orderRef: string, customerOrderId: string): boolean {
  if (orderRef === customerOrderId) return true;
  return orderRef.length >= 6 && customerOrderId.toLowerCase().startsWith(orderRef.toLowerCase());
}
