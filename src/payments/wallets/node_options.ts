import type { WalletCursors } from "./cursors.ts";
import type { WalletDeps } from "./scheme.ts";

/** What a node of one's own is reached by, besides its secret. */
export interface NodeOptions extends Pick<WalletDeps, "clock" | "random" | "log"> {
  base: URL;
  /** PEM of the node's own certificate, or of its authority. */
  caCert?: string;
  /** Invoices name channels that aren't public, for nodes that have no others. */
  privateHints: boolean;
  cursors: WalletCursors | null;
}
