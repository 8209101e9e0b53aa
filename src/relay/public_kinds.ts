/**
 * What a question that names no kinds is answered from: what merchants publish, and what their other programs may have put
 * here. Whoever wants another kind names it. (A list of what isn't shown would not do: see `visibleParts`.)
 */
export const PUBLIC_KINDS: readonly number[] = [
  ...[0, 1, 3, 5, 6, 7, 8], // profiles, notes, follows, deletions, reposts, reactions, badges
  ...[1021, 1022], // NIP-15: bids and their confirmations
  ...[1063, 1111, 1984, 1985, 9735, 9802], // files, comments, reports, labels, zaps, highlights
  ...[10_000, 10_001, 10_002, 10_003, 10_050, 10_063], // lists: mutes, pins, relays, bookmarks, inboxes, file servers
  ...[30_000, 30_003, 30_008, 30_009], // sets of people and bookmarks, badges
  ...[30_017, 30_018, 30_019, 30_020], // NIP-15: stalls, products, marketplaces, auctions
  ...[30_023, 30_078], // articles, settings of apps
  ...[30_402, 30_403, 30_405, 30_406, 31_555], // NIP-99 and Gamma: listings, collections, shipping, reviews
  ...[31_989, 31_990], // recommended programs
];
