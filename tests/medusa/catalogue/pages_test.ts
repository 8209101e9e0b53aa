import { assertEquals } from "@std/assert";
import { nextSize } from "../../../src/medusa/catalogue/pages.ts";
import { aProduct, aVariant } from "./samples.ts";

Deno.test("pages are as large as their variants let them be", () => {
  const table: [products: number, variants: number, next: number][] = [
    [50, 1, 200],
    [50, 0, 200],
    [200, 8, 200],
    [200, 40, 50],
    [50, 1_000, 2],
    [2, 3_000, 1],
    [0, 0, 50],
  ];
  for (const [products, variants, next] of table) {
    const product = aProduct({ variants: Array.from({ length: variants }, (_, i) => aVariant(`v_${i}`)) });
    const page = {
      products: Array.from({ length: products }, () => product),
      priceOf: () => null,
      readAt: 0,
    };
    assertEquals(nextSize(page), next, `${products} products of ${variants} variants`);
  }
});
