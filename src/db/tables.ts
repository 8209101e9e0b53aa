import type {
  BansTable,
  CatchUpsTable,
  InboxTable,
  KeyClocksTable,
  NostrEventsTable,
  NostrTagsTable,
  OutboxEventsTable,
  OutboxTable,
  RecipientRelaysTable,
  RelayCursorsTable,
  SenderRatesTable,
} from "./tables_nostr.ts";
import type {
  EarlierPricesTable,
  HoldsTable,
  MerchantsTable,
  ProductsTable,
  SecretsTable,
  StallsTable,
  StockMovementsTable,
  StockTable,
} from "./tables_catalog.ts";
import type {
  ChainAccountsTable,
  ChainAddressesTable,
  ChainOutputsTable,
  InvoicesTable,
  MessagesTable,
  OrderItemsTable,
  OrdersTable,
  OrderTimelineTable,
  PaymentsTable,
  PublishedBeforeTable,
  RatesTable,
  SaidBeforeTable,
  SweepsTable,
  WalletCursorsTable,
  WalletsTable,
} from "./tables_orders.ts";
import type {
  MedusaBridgesTable,
  MedusaOrdersTable,
  MedusaProductsTable,
  MedusaZonesTable,
} from "./tables_medusa.ts";
import type { RefundsTable } from "./tables_refunds.ts";
import type {
  AuditTable,
  ConditionsTable,
  IdempotencyTable,
  JobsTable,
  LeasesTable,
  NoticesTable,
  ReplaysTable,
  SettingsTable,
  TillCurrenciesTable,
  TokensTable,
} from "./tables_work.ts";

export type { Flag, Int, IntOrNull } from "./columns.ts";
export type * from "./tables_medusa.ts";
export type * from "./tables_nostr.ts";
export type * from "./tables_catalog.ts";
export * from "./tables_orders.ts";
export * from "./tables_refunds.ts";
export type * from "./tables_work.ts";

/**
 * The columns of every table, as both databases have them.
 *
 * Conventions: 64 bit integers are read as `number` (both drivers refuse what doesn't fit 2^53) and may be written as
 * `bigint`; `…_msat` is millisatoshi; times are milliseconds since 1970, but a Nostr event's own `created_at` and the
 * columns named `…_seconds` are seconds; JSON is text; booleans are 0 or 1.
 */
export interface Tables {
  nostr_events: NostrEventsTable;
  nostr_tags: NostrTagsTable;
  inbox: InboxTable;
  merchants: MerchantsTable;
  secrets: SecretsTable;
  stalls: StallsTable;
  earlier_prices: EarlierPricesTable;
  products: ProductsTable;
  stock: StockTable;
  stock_movements: StockMovementsTable;
  holds: HoldsTable;
  orders: OrdersTable;
  order_items: OrderItemsTable;
  order_timeline: OrderTimelineTable;
  invoices: InvoicesTable;
  payments: PaymentsTable;
  refunds: RefundsTable;
  sweeps: SweepsTable;
  messages: MessagesTable;
  outbox_events: OutboxEventsTable;
  outbox: OutboxTable;
  recipient_relays: RecipientRelaysTable;
  relay_cursors: RelayCursorsTable;
  catch_ups: CatchUpsTable;
  key_clocks: KeyClocksTable;
  jobs: JobsTable;
  leases: LeasesTable;
  bans: BansTable;
  sender_rates: SenderRatesTable;
  rates: RatesTable;
  wallet_cursors: WalletCursorsTable;
  wallets: WalletsTable;
  chain_accounts: ChainAccountsTable;
  chain_addresses: ChainAddressesTable;
  chain_outputs: ChainOutputsTable;
  replays: ReplaysTable;
  idempotency: IdempotencyTable;
  audit: AuditTable;
  notices: NoticesTable;
  conditions: ConditionsTable;
  tokens: TokensTable;
  till_currencies: TillCurrenciesTable;
  settings: SettingsTable;
  said_before: SaidBeforeTable;
  published_before: PublishedBeforeTable;
  medusa_bridges: MedusaBridgesTable;
  medusa_products: MedusaProductsTable;
  medusa_zones: MedusaZonesTable;
  medusa_orders: MedusaOrdersTable;
}
