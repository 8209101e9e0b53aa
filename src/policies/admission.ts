import type { NostrEvent, NPolicy } from "@nostrify/types";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../log.ts";
import { addressedTo, AddresseePolicy } from "./addressee_policy.ts";
import { AuthorRatePolicy } from "./author_rate_policy.ts";
import { BanList } from "./ban_list.ts";
import { BanPolicy } from "./ban_policy.ts";
import { ClockPolicy } from "./clock_policy.ts";
import { INTAKE_KINDS, KindPolicy } from "./kind_policy.ts";
import { PipePolicy } from "./pipe_policy.ts";
import { PowPolicy } from "./pow_policy.ts";
import { SizePolicy } from "./size_policy.ts";

/** Twenty a second from one key: no customer does that. */
const EVENTS_PER_AUTHOR_AND_MINUTE = 1_200;

/** Whether an event may come in; the reason has a prefix of NIP-01. */
export type Admitted = { ok: true } | { ok: false; reason: string };
/** Which merchants take an event. */
export type AdmittedFor = { ok: true; merchants: string[] } | { ok: false; reason: string };

/** What every event from outside passes, whichever way it came: only its outer side is looked at. */
export class MerchantAdmission {
  readonly #served: () => ReadonlySet<string>;
  readonly #bans: BanList;
  readonly #outside: PipePolicy;
  readonly #author: PipePolicy;

  constructor(
    o: { served: () => ReadonlySet<string>; bans: BanList; outside: PipePolicy; author: PipePolicy },
  ) {
    this.#served = o.served;
    this.#bans = o.bans;
    this.#outside = o.outside;
    this.#author = o.author;
  }

  /** The part that needs no signature: kind, addressee, size, time, proof of work. Cheap, so it goes first. */
  async screen(event: NostrEvent): Promise<Admitted> {
    return await ask(this.#outside, event);
  }

  /** For a screened event whose signature held: the served merchants that take it, or why nobody does. */
  async admitForAll(event: NostrEvent): Promise<AdmittedFor> {
    const verdict = await ask(this.#author, event);
    if (!verdict.ok) return verdict;
    const merchants = addressedTo(event, this.#served());
    return { ok: true, merchants: merchants.filter((merchant) => !this.#bans.has(merchant, event.pubkey)) };
  }

  /** For an event whose signature held and that came for `merchant`: whether it goes into that merchant's inbox. */
  async admit(event: NostrEvent, merchant: string): Promise<Admitted> {
    const screened = await this.screen(event);
    if (!screened.ok) return screened;
    const verdict = await this.admitForAll(event);
    if (!verdict.ok) return verdict;
    if (verdict.merchants.includes(merchant)) return { ok: true };
    return {
      ok: false,
      reason: "blocked: it isn't addressed to this merchant, or the merchant banned its author",
    };
  }

  /** Refusals since the start, by the policy that refused. */
  counts(): Record<string, number> {
    return { ...this.#outside.counts(), ...this.#author.counts() };
  }

  /** Makes a ban that was just set or lifted count at once; other processes follow within ten seconds. */
  async refreshBans(): Promise<void> {
    await this.#bans.refresh();
  }
}

/** The admission of a process that serves merchants. `minPow` in bits (NIP-13), 0 for none; `maxBytes` of an event's JSON. */
export function buildAdmission(o: {
  servedMerchants: () => ReadonlySet<string>;
  maxBytes: number;
  minPow: number;
  clock: Clock;
  database: Database;
  log: Log;
  eventsPerAuthorAndMinute?: number;
}): MerchantAdmission {
  const bans = new BanList(o);
  return new MerchantAdmission({
    served: o.servedMerchants,
    bans,
    outside: new PipePolicy({
      kind: new KindPolicy(INTAKE_KINDS),
      addressee: new AddresseePolicy(o.servedMerchants),
      size: new SizePolicy(o.maxBytes),
      clock: new ClockPolicy(o.clock),
      pow: new PowPolicy(o.minPow),
    }),
    author: new PipePolicy({
      ban: new BanPolicy(bans, o.servedMerchants),
      rate: new AuthorRatePolicy({
        clock: o.clock,
        perMinute: o.eventsPerAuthorAndMinute ?? EVENTS_PER_AUTHOR_AND_MINUTE,
      }),
    }),
  });
}

async function ask(policy: NPolicy, event: NostrEvent): Promise<Admitted> {
  const [, , ok, reason] = await policy.call(event);
  return ok ? { ok } : { ok, reason };
}
