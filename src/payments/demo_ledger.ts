import type { Msat } from "../money/msat.ts";

/** An invoice of the demo wallet. Times in ms since 1970. */
export interface DemoInvoice {
  bolt11: string;
  paymentHash: string;
  preimage: string;
  amountMsat: Msat;
  /** What it was made for; missing in journals of earlier versions. */
  description?: string;
  createdAt?: number;
  expiresAt: number;
  settled: { at: number; amountMsat: Msat } | null;
}

/** Where a demo wallet writes what it did, one line each, so that a restart doesn't forget its invoices. */
export interface DemoJournal {
  /** All lines, oldest first. */
  read(): Promise<string[]>;
  append(line: string): Promise<void>;
}

type Line =
  | { made: Omit<DemoInvoice, "amountMsat" | "settled"> & { amountMsat: string } }
  | { settled: string; at: number; amountMsat: string };

/** Older invoices are forgotten: the demo wallet is for shops that sell for some hours. */
const MOST_INVOICES = 50_000;

/** The demo wallet's invoices, in memory and, if there is a journal, in it first. */
export class DemoLedger {
  readonly #journal: DemoJournal | null;
  readonly #invoices = new Map<string, DemoInvoice>();
  readonly #settling = new Set<string>();
  #loaded: Promise<void> | undefined;

  constructor(journal: DemoJournal | null) {
    this.#journal = journal;
  }

  /** Finds an invoice by its hash or its text. */
  async find(ref: string): Promise<DemoInvoice | undefined> {
    await this.#load();
    const known = this.#invoices.get(ref.toLowerCase());
    if (known) return known;
    const text = ref.toLowerCase().replace(/^lightning:/, "");
    for (const invoice of this.#invoices.values()) if (invoice.bolt11 === text) return invoice;
    return undefined;
  }

  async add(invoice: DemoInvoice): Promise<void> {
    await this.#load();
    const { settled: _, ...made } = invoice;
    await this.#write({ made: { ...made, amountMsat: String(invoice.amountMsat) } });
    this.#keep(invoice);
  }

  /** Notes that money came for one of its invoices; false when that has happened before. */
  async settle(invoice: DemoInvoice, settled: { at: number; amountMsat: Msat }): Promise<boolean> {
    if (invoice.settled || this.#settling.has(invoice.paymentHash)) return false;
    this.#settling.add(invoice.paymentHash);
    try {
      await this.#write({
        settled: invoice.paymentHash,
        at: settled.at,
        amountMsat: String(settled.amountMsat),
      });
      invoice.settled = settled;
      return true;
    } finally {
      this.#settling.delete(invoice.paymentHash);
    }
  }

  /** Every invoice it knows, oldest first: the wallet's own books, to compare with the shop's. */
  async all(): Promise<DemoInvoice[]> {
    await this.#load();
    return [...this.#invoices.values()];
  }

  #load(): Promise<void> {
    return this.#loaded ??= this.#readJournal();
  }

  async #readJournal(): Promise<void> {
    for (const text of await this.#journal?.read() ?? []) {
      const line = parse(text);
      if (!line) continue;
      if ("made" in line) {
        this.#keep({ ...line.made, amountMsat: BigInt(line.made.amountMsat), settled: null });
      } else {
        const invoice = this.#invoices.get(line.settled);
        if (invoice) invoice.settled = { at: line.at, amountMsat: BigInt(line.amountMsat) };
      }
    }
  }

  #keep(invoice: DemoInvoice): void {
    this.#invoices.set(invoice.paymentHash, invoice);
    if (this.#invoices.size > MOST_INVOICES) this.#invoices.delete(this.#invoices.keys().next().value!);
  }

  async #write(line: Line): Promise<void> {
    await this.#journal?.append(JSON.stringify(line));
  }
}

/** Null for a line that was cut off by a crash. */
function parse(text: string): Line | null {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return null;
  }
}
