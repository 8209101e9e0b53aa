/** Chance as the program sees it; a simulation passes its own, seeded. */
export interface Random {
  bytes(length: number): Uint8Array;
  /** A UUID of version 4. NIP-15 asks for ids that aren't sequential. */
  uuid(): string;
  /** A number in [0, 1), for jitter only. */
  fraction(): number;
}

/** The machine's cryptographic source. */
export const systemRandom: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  uuid: () => crypto.randomUUID(),
  fraction: () => Math.random(),
};
