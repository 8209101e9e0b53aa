/** How far a wallet's stream of payments was read. Only hints come by it: a lost cursor costs questions and no money. */
export interface WalletCursors {
  /** Null when nothing was read yet. */
  read(wallet: string): Promise<string | null>;
  write(wallet: string, cursor: string): Promise<void>;
}
