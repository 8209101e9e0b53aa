/**
 * What can be wrong with the place where everything is kept. `full`, `read_only`, `busy` and `away` can end by themselves;
 * `disk` (an I/O error) and `corrupt` can't: nothing that is written after them can be believed.
 */
export type StorageFaultKind = "full" | "read_only" | "busy" | "away" | "disk" | "corrupt";

export interface StorageFault {
  kind: StorageFaultKind;
  /** The database's own words. */
  text: string;
}

/** The database has failed for good in this process: a new one must look at what is there. */
export class StorageFailedError extends Error {
  override readonly name = "StorageFailedError";
  constructor(readonly fault: StorageFault) {
    super(
      `the database can't be written any more (${fault.text}), so that nothing new is taken. What was acknowledged before is kept`,
    );
  }
}

/** How the storage does: told by every transaction, asked by whoever takes something new. */
export class StorageState {
  readonly #failed = Promise.withResolvers<StorageFault>();
  #fault: StorageFault | null = null;

  /** What is wrong now; null when nothing is known to be. */
  get fault(): StorageFault | null {
    return this.#fault;
  }

  /** Resolves when the storage fails for good. */
  get failed(): Promise<StorageFault> {
    return this.#failed.promise;
  }

  /** An error of a statement or a commit: nothing happens when it isn't the storage's. */
  note(error: unknown): void {
    const kind = storageFaultOf(error);
    if (kind === null || isFinal(this.#fault)) return;
    this.#fault = { kind, text: error instanceof Error ? error.message : String(error) };
    if (isFinal(this.#fault)) this.#failed.resolve(this.#fault);
  }

  /** A commit went well. That the disk was full is only over when there is room for more than one: `recovered()`. */
  committed(): void {
    if (this.#fault !== null && this.#fault.kind !== "full" && !isFinal(this.#fault)) this.#fault = null;
  }

  /** There is room again. */
  recovered(): void {
    if (!isFinal(this.#fault)) this.#fault = null;
  }

  /** Throws when there is room only for what can't wait (payments and their answers): nothing new may be taken. */
  checkRoom(): void {
    if (this.#fault?.kind === "full") throw new Error(`the disk is full (${this.#fault.text})`);
  }

  /** Throws a `StorageFailedError` once the storage has failed for good. */
  check(): void {
    if (this.#fault !== null && isFinal(this.#fault)) throw new StorageFailedError(this.#fault);
  }
}

function isFinal(fault: StorageFault | null): boolean {
  return fault?.kind === "disk" || fault?.kind === "corrupt";
}

/** SQLite's primary result codes. */
const SQLITE: Record<number, StorageFaultKind> = {
  5: "busy",
  8: "read_only",
  10: "disk",
  11: "corrupt",
  13: "full",
  14: "disk",
  26: "corrupt",
};
/** The runtime gives the code for some calls only; the words are SQLite's own. */
const WORDS: readonly (readonly [RegExp, StorageFaultKind])[] = [
  [/database or disk is full/, "full"],
  [/readonly database/, "read_only"],
  [/disk I\/O error|unable to open database/, "disk"],
  [/malformed|not a database/, "corrupt"],
  [/database is locked/, "busy"],
];
/** PostgreSQL and the way to it. Its own disk is its own to mind: for us it comes back or it doesn't. */
const POSTGRES: Record<string, StorageFaultKind> = {
  "53100": "full",
  "25006": "read_only",
  "57P01": "away",
  "57P02": "away",
  "57P03": "away",
  "53300": "away",
  "58030": "away",
  ECONNREFUSED: "away",
  ECONNRESET: "away",
  ENOTFOUND: "away",
  CONNECT_TIMEOUT: "away",
  CONNECTION_CLOSED: "away",
  CONNECTION_ENDED: "away",
  CONNECTION_DESTROYED: "away",
};

/** Which fault of the storage an error tells of; null when it is something else. */
export function storageFaultOf(error: unknown): StorageFaultKind | null {
  const { code, errcode, message } = error as { code?: unknown; errcode?: unknown; message?: unknown };
  if (code === "ERR_SQLITE_ERROR") {
    if (typeof errcode === "number") return SQLITE[errcode & 0xff] ?? null;
    return WORDS.find(([words]) => words.test(String(message)))?.[1] ?? null;
  }
  return typeof code === "string" ? POSTGRES[code] ?? null : null;
}
