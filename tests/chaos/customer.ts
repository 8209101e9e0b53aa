import { generateSecretKey } from "nostr-tools/pure";
import { lightningLink, lnbitsOrder, type MerchantMessage, Shopper } from "../support/shopper.ts";
import type { CustomerBook } from "./books.ts";
import { request } from "./control.ts";
import type { Door } from "./door.ts";

/** What a customer is going to do. */
export interface Plan {
  id: string;
  productId: string;
  quantity: number;
  shippingId: string;
  envelope: "nip04" | "nip17";
  pays: boolean;
}

/** Where the customer does it. */
export interface Place {
  relay: string;
  merchant: string;
  /** The wallet's control port. */
  wallet: string;
  /** The honest relay behind a lossy one, where everything that the customer was sent can be read in the end. */
  honest: string | null;
  /** Whoever is at the checkout has come in. */
  door: Door;
  /** How long customers go away at most: the more they are, the less each may ask. */
  longestAwayMs: number;
}

/** How long a customer stays and waits before it asks again. */
const STAYS_MS = 10_000;
/** Where messages get lost it goes away before that, longer each time, and reads what was said meanwhile when it is back. */
const AWAY_MS = 20_000;
const READS_MS = 3_000;
/** How long a customer stays to hear more than is due. */
const LINGER_MS = 2_000;
const LONGEST_MS = 15 * 60_000;
/** Type 1 without options that isn't the last word (design §5: no invoice after 25 s). */
const APOLOGY = /takes longer/;

/** Orders once, with a key of its own, pays or doesn't, and keeps a book of what was said. */
export class Customer {
  readonly #plan: Plan;
  readonly #place: Place;
  readonly #shopper: Shopper;
  #sent = 0;
  #paid: string | null = null;
  #orderedAt = 0;
  #paidAt = 0;
  #answeredAfterMs: number | null = null;
  #toldAfterMs: number | null = null;
  #done = false;
  readonly #over = new AbortController();
  #running: Promise<void> | undefined;

  constructor(plan: Plan, place: Place) {
    this.#plan = plan;
    this.#place = place;
    const { relay, merchant } = place;
    this.#shopper = new Shopper({
      secretKey: generateSecretKey(),
      merchant,
      envelope: plan.envelope,
      relay,
      patient: place.honest !== null,
    });
  }

  get ordered(): boolean {
    return this.#sent > 0;
  }

  get answered(): boolean {
    return this.#answeredAfterMs !== null;
  }

  /** Has heard all that is due. */
  get done(): boolean {
    return this.#done;
  }

  /** Orders, waits, pays, waits. Rejects when something of that can't be done. */
  run(): Promise<void> {
    const running = this.#act().finally(() => this.#leave());
    this.#running = running.catch(() => {});
    return running;
  }

  async #act(): Promise<void> {
    const { id } = this.#plan;
    await this.#come();
    this.#orderedAt = performance.now();
    if (!await this.#order() && this.#place.honest === null) {
      throw new Error(`${id}: the relay refused the order`);
    }
    const first = await this.#answer((message) =>
      message.id === id && message.type === 1 && !APOLOGY.test(message.message ?? "")
    );
    if (!first) throw new Error(`${id}: never answered`);
    this.#answeredAfterMs = performance.now() - this.#orderedAt;
    const link = lightningLink(first);
    if (link !== undefined && this.#plan.pays) await this.#pay(link);
    this.#done = true;
    await this.#until(() => false, LINGER_MS);
  }

  async #come(): Promise<void> {
    await this.#place.door.enter();
    await this.#shopper.connect();
  }

  async #leave(): Promise<void> {
    await this.#shopper.close();
    this.#place.door.leave();
  }

  /** Waits for it, and asks again; where messages get lost as often as it takes, going away meanwhile. */
  async #answer(fits: (message: MerchantMessage) => boolean): Promise<MerchantMessage | undefined> {
    if (this.#place.honest === null) {
      const heard = await this.#until(fits, STAYS_MS);
      if (heard) return heard;
      await this.#order();
      return await this.#until(fits, LONGEST_MS);
    }
    for (let away = AWAY_MS;; away = Math.min(away * 2, this.#place.longestAwayMs)) {
      const heard = await this.#until(fits, STAYS_MS);
      if (heard || this.#over.signal.aborted) return heard;
      await this.#leave();
      await pause(away, this.#over.signal);
      await this.#come();
      const read = await this.#until(fits, READS_MS);
      if (read || this.#over.signal.aborted) return read;
      await this.#order();
    }
  }

  #order(): Promise<boolean> {
    const { id, productId, quantity, shippingId } = this.#plan;
    this.#sent++;
    return this.#shopper.write(lnbitsOrder(id, productId, quantity, shippingId));
  }

  /** Reads everything again that the relay holds: what a live connection missed isn't missing in the book. */
  async readAgain(): Promise<void> {
    this.#over.abort();
    await this.#running;
    await this.#shopper.connect(this.#place.honest ?? this.#place.relay);
    await this.#shopper.close();
  }

  book(): CustomerBook {
    const { id, productId, quantity, envelope } = this.#plan;
    const mine = [...this.#shopper.messages.values()];
    const answers = mine.filter((message) => message.id === id && message.type === 1);
    const requests = answers.filter((message) => lightningLink(message) !== undefined);
    const others = answers.filter((message) => !requests.includes(message)).map(({ message }) =>
      message ?? ""
    );
    const told = mine.filter((message) => message.id === id && message.type === 2 && message.paid === true);
    const strange = mine.filter((message) => !answers.includes(message) && !told.includes(message));
    return {
      id,
      customer: this.#shopper.pubkey,
      envelope,
      productId,
      quantity,
      sent: this.#sent,
      requests: requests.length,
      invoices: [...new Set(requests.map((message) => lightningLink(message)!))],
      refusals: others.filter((text) => !APOLOGY.test(text)),
      apologies: others.filter((text) => APOLOGY.test(text)).length,
      paid: this.#paid,
      toldPaid: told.length,
      strange: [
        ...strange.map((message) => `strange message ${JSON.stringify(message)}`),
        ...this.#shopper.unreadable.map((text) => `unreadable ${text}`),
      ],
      answeredAfterMs: this.#answeredAfterMs,
      toldAfterMs: this.#toldAfterMs,
    };
  }

  /** What the merchant says, unless it doesn't within `ms` or everything is over. */
  async #until(
    fits: (message: MerchantMessage) => boolean,
    ms: number,
  ): Promise<MerchantMessage | undefined> {
    const over = new Promise<undefined>((resolve) =>
      this.#over.signal.addEventListener("abort", () => resolve(undefined))
    );
    return await Promise.race([this.#shopper.hears(fits, ms), over]);
  }

  async #pay(bolt11: string): Promise<void> {
    this.#paid = bolt11;
    this.#paidAt = performance.now();
    const { refusal } = await request<{ refusal: string | null }>(
      `${this.#place.wallet}/pay`,
      "POST",
      { bolt11 },
    );
    if (refusal !== null) throw new Error(`${this.#plan.id}: the wallet refused: ${refusal}`);
    const told = await this.#answer((message) => message.paid === true);
    if (told) this.#toldAfterMs = performance.now() - this.#paidAt;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
