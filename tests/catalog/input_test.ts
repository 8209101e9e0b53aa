import { assert, assertEquals } from "@std/assert";
import { plainDecimal } from "../../src/catalog/amounts.ts";
import { productInput, stockInput } from "../../src/catalog/product_input.ts";
import { stallInput } from "../../src/catalog/stall_input.ts";

const cup = { stall_id: "tea", name: "Cup", price: "12.50", quantity: 3 };
const stall = { name: "Tea", currency: "sat" };

Deno.test("plainDecimal() has one form for one number, and refuses what is none", () => {
  const cases: [number | string, string | null][] = [
    ["12.50", "12.5"],
    ["007", "7"],
    [0.1, "0.1"],
    [1e-7, "0.0000001"],
    ["1e2", "100"],
    [0, "0"],
    [123456789012345, "123456789012345"],
    [1234567890123456, null],
    ["0.1234567890123456", null],
    [-1, null],
    ["-0.5", null],
    ["1,5", null],
    ["1e30", null],
    ["", null],
    ["ten", null],
    [NaN, null],
    [Infinity, null],
  ];
  for (const [given, plain] of cases) assertEquals(plainDecimal(given), plain, String(given));
});

Deno.test("a product's input is refused field by field", () => {
  assert(productInput.safeParse(cup).success);
  assert(productInput.safeParse({ ...cup, quantity: null, specs: [["a", ""]], type: "variable" }).success);
  const wrong: [Record<string, unknown>, string][] = [
    [{ colour: "red" }, ""],
    [{ id: "" }, "id"],
    [{ id: "a\u0007b" }, "id"],
    [{ id: "a\u202eb" }, "id"],
    [{ id: " a" }, "id"],
    [{ id: "x".repeat(129) }, "id"],
    [{ name: "x".repeat(201) }, "name"],
    [{ name: "  " }, "name"],
    [{ name: "two\nlines" }, "name"],
    [{ description: "x".repeat(10_001) }, "description"],
    [{ description: "nul\u0000" }, "description"],
    [{ description: "half \ud800" }, "description"],
    [{ images: Array(21).fill("https://example.com/a.jpg") }, "images"],
    [{ images: ["javascript:alert(1)"] }, "images"],
    [{ images: ["https://exa mple.com/"] }, "images"],
    [{ price: -1 }, "price"],
    [{ price: "much" }, "price"],
    [{ price: null }, "price"],
    [{ quantity: -1 }, "quantity"],
    [{ quantity: 1.5 }, "quantity"],
    [{ quantity: "3" }, "quantity"],
    [{ type: "bundle" }, "type"],
    [{ specs: [["only a key"]] }, "specs"],
    [{ shipping: [{ id: "eu" }] }, "shipping"],
    [{ categories: [""] }, "categories"],
  ];
  for (const [change, field] of wrong) {
    const { error } = productInput.safeParse({ ...cup, ...change });
    assertEquals(String(error?.issues[0]?.path[0] ?? ""), field, JSON.stringify(change));
    assert(error !== undefined, JSON.stringify(change));
  }
});

Deno.test("a stall's input takes numbers or decimal strings, regions or countries", () => {
  const shipping = [{ id: "eu", cost: "1.50", countries: ["DE"] }, {
    name: "World",
    cost: 3,
    regions: ["*"],
  }];
  assert(stallInput.safeParse({ ...stall, shipping }).success);
  for (
    const change of [{ shipping: [{ id: "eu" }] }, { currency: "" }, { name: undefined }, { products: [] }, {
      merchant: "npub1",
    }]
  ) {
    assert(!stallInput.safeParse({ ...stall, ...change }).success, JSON.stringify(change));
  }
});

Deno.test("a change of stock is exactly one of add and set", () => {
  for (const good of [{ add: 2 }, { add: -2 }, { set: 0 }, { set: null }]) {
    assert(stockInput.safeParse(good).success);
  }
  for (const bad of [{}, { add: 1, set: 1 }, { add: null }, { set: -1 }, { add: 0.5 }, { set: 1e12 }]) {
    assert(!stockInput.safeParse(bad).success, JSON.stringify(bad));
  }
});
