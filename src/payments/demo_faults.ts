import type { WalletErrorKind } from "./wallet.ts";

export type DemoCall = "probe" | "createInvoice" | "lookup" | "listIncoming" | "pay" | "lookupPayment";

/** What goes wrong with one call of the demo wallet. */
export type DemoFault =
  /** It refuses; nothing happens. */
  | { do: "fail"; kind: WalletErrorKind }
  /** It never hears of it: nothing happens, and no answer comes. */
  | { do: "drop" }
  /** It does what was asked, and the answer is never seen. */
  | { do: "lose" }
  /** It does what was asked and answers after `ms`, also when nobody waits any more. */
  | { do: "delay"; ms: number }
  /** It does what was asked and says something else: `say` gets the true answer. */
  // deno-lint-ignore no-explicit-any -- a lie needn't be of the answer's form
  | { do: "lie"; say: (truth: any) => unknown };

/** The faults that a test has ordered: for the next calls, or for all of a kind until further notice. */
export class DemoFaults {
  readonly #next = new Map<DemoCall, DemoFault[]>();
  readonly #always = new Map<DemoCall, DemoFault>();

  /** One fault for each of the next calls, in order. */
  next(call: DemoCall, ...faults: DemoFault[]): void {
    this.#next.set(call, [...(this.#next.get(call) ?? []), ...faults]);
  }

  /** The fault of every call from now on; null ends it. */
  always(call: DemoCall, fault: DemoFault | null): void {
    if (fault) this.#always.set(call, fault);
    else this.#always.delete(call);
  }

  /** The fault of the call that happens now. */
  take(call: DemoCall): DemoFault | undefined {
    return this.#next.get(call)?.shift() ?? this.#always.get(call);
  }
}
