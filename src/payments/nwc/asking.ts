type Result = Record<string, unknown>;

/** A connection that can be asked. Throws WalletErrors: by the wallet's code (`NwcError`), or by what became of the request. */
export interface NwcAsking {
  /** What the wallet offers, as its info event names it. */
  methods(signal: AbortSignal): Promise<readonly string[]>;
  ask(method: string, params: Result, signal: AbortSignal, o?: AskOptions): Promise<Result>;
}

export interface AskOptions {
  /** The request goes out a single time: for what must not happen twice. */
  once?: boolean;
  /** Gets a result that comes after `signal` had ended the wait. */
  onLate?: (result: Result) => void;
}
