/** What a key must be good for that receives, and nothing else. */
export const FOR_INVOICES = ["btcpay.store.cancreateinvoice", "btcpay.store.canviewinvoices"] as const;
/** And one that pays. */
export const FOR_REFUNDS = ["btcpay.store.cancreatepullpayments"] as const;

/** Each of them moves money, or lets one who has it do so. */
const SPENDING: readonly string[] = [
  "btcpay.store.cancreatepullpayments",
  "btcpay.store.canmanagepayouts",
  "btcpay.store.canuselightningnode",
  "btcpay.server.canuseinternallightningnode",
  "btcpay.server.canmodifyserversettings",
];

/** Permissions that hold others within them (BTCPay's own tree of them, as far as it matters). */
const INCLUDED_IN: Record<string, readonly string[]> = {
  "btcpay.store.cancreateinvoice": ["btcpay.store.canmodifyinvoices"],
  "btcpay.store.canviewinvoices": ["btcpay.store.canmodifyinvoices", "btcpay.store.canviewstoresettings"],
  "btcpay.store.canmodifyinvoices": ["btcpay.store.canmodifystoresettings"],
  "btcpay.store.cancreatepullpayments": ["btcpay.store.canmanagepullpayments"],
  "btcpay.store.canmanagepullpayments": ["btcpay.store.canmodifystoresettings"],
  "btcpay.store.canmanagepayouts": ["btcpay.store.canmodifystoresettings"],
  "btcpay.store.canuselightningnode": ["btcpay.store.canmodifystoresettings"],
  "btcpay.store.canviewstoresettings": ["btcpay.store.canmodifystoresettings"],
  "btcpay.store.canmodifystoresettings": ["unrestricted"],
};

/** The permissions of a key that hold for one store: `<permission>` for all stores, `<permission>:<store>` for one. */
export function permissionsFor(store: string, granted: readonly string[]): string[] {
  const held = granted.flatMap((one) => {
    const [policy = "", scope] = one.split(":", 2);
    return scope === undefined || scope === store ? [policy.toLowerCase()] : [];
  });
  return [...new Set(held)];
}

/** Which of the needed ones a key lacks. */
export function lacking(held: readonly string[], needed: readonly string[]): string[] {
  return needed.filter((policy) => !includes(held, policy));
}

/** Whether who has these can spend. */
export function spends(held: readonly string[]): boolean {
  return SPENDING.some((policy) => includes(held, policy));
}

function includes(held: readonly string[], policy: string): boolean {
  return held.includes(policy) || (INCLUDED_IN[policy] ?? []).some((above) => includes(held, above));
}
