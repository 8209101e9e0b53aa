/** What pricing needs of the catalogue: the products asked for, their stalls and stock, as of now. */
export interface CatalogueSlice {
  products: PricedProduct[];
  stalls: PricedStall[];
}

export interface PricedStall {
  id: string;
  name: string;
  currency: string;
  /** Costs are decimal strings in the stall's currency. */
  zones: { id: string; name: string; cost: string; regions: string[] }[];
}

export interface PricedProduct {
  id: string;
  stallId: string;
  name: string;
  type: "simple" | "variable" | "variation";
  /** Decimal string in `currency`. */
  price: string;
  currency: string;
  digital: boolean;
  active: boolean;
  deleted: boolean;
  /** Extra cost per unit for a zone, decimal strings in the stall's currency. */
  shipping: { id: string; cost: string }[];
  /** On hand less held; null = unlimited. */
  available: number | null;
}
