import { DemoWallet } from "./demo_wallet.ts";
import type { WalletScheme } from "./wallets/scheme.ts";

/** `demo:`, a wallet without real money. */
export const demoScheme: WalletScheme = {
  kind: "demo",
  schemes: ["demo"],
  example: "demo: (no real money)",
  tried: "real",
  read: () => ({
    ok: true,
    open: (deps) => new DemoWallet({ ...deps, journal: deps.demoJournal ?? null }),
  }),
  mask: () => "demo:",
};
