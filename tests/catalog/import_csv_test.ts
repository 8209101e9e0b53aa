import { assertEquals, assertStringIncludes } from "@std/assert";
import { parseProductCsv } from "../../src/catalog/import_csv.ts";

Deno.test("parseProductCsv() reads products, with lists and quotes, whatever the order of columns", () => {
  const text = "\ufeffName,stall_id,Price,quantity,images,specs,shipping,categories,digital,description\r\n" +
    '"Cup, blue",tea,12.50,5,https://example.com/a.jpg | https://example.com/b.jpg,size=2 dl|weight=300 g=exactly,eu=1.50,cups|blue,no,"two\nlines"\r\n' +
    "\r\n" +
    "Song,tea,100,unlimited,,,,,yes,\r\n";
  assertEquals(parseProductCsv(text), {
    rows: [
      {
        line: 2,
        product: {
          stall_id: "tea",
          name: "Cup, blue",
          description: "two\nlines",
          images: ["https://example.com/a.jpg", "https://example.com/b.jpg"],
          price: "12.50",
          quantity: 5,
          specs: [["size", "2 dl"], ["weight", "300 g=exactly"]],
          shipping: [{ id: "eu", cost: "1.50" }],
          categories: ["cups", "blue"],
          digital: false,
        },
      },
      { line: 5, product: { stall_id: "tea", name: "Song", price: "100", quantity: null, digital: true } },
    ],
    problems: [],
  });
});

Deno.test("parseProductCsv() reports all problems at once, with line and field", () => {
  const text =
    "id,stall_id,name,price,quantity\na,tea,Cup,1,5\nb,tea,,ten,5\na,tea,Pot,1,many\nc,tea,Jug,1,1,extra\n";
  const { rows, problems } = parseProductCsv(text);
  assertEquals(rows.map((row) => row.product.id), ["a"]);
  assertEquals(problems.map(({ line, field }) => [line, field]), [
    [3, "name"],
    [3, "price"],
    [4, "quantity"],
    [4, "id"],
    [5, ""],
  ]);
});

Deno.test("parseProductCsv() refuses a header that names something else, and says what there is", () => {
  const { rows, problems } = parseProductCsv("name,price,colour,name\nCup,1,red,x\n");
  assertEquals(rows, []);
  assertEquals(problems.map(({ line, field }) => [line, field]), [[1, "colour"], [1, "name"], [
    1,
    "stall_id",
  ]]);
  assertStringIncludes(problems[0]!.reason, "stall_id, name");
});

Deno.test("parseProductCsv() takes what spreadsheets write: semicolons, tabs", () => {
  for (const mark of [";", "\t"]) {
    const text = ["stall_id", "name", "price"].join(mark) + "\n" + ["tea", "Cup, blue", "1.5"].join(mark);
    assertEquals(parseProductCsv(text).rows[0]?.product, {
      stall_id: "tea",
      name: "Cup, blue",
      price: "1.5",
    });
  }
});

Deno.test("parseProductCsv() survives broken and empty files", () => {
  assertEquals(parseProductCsv("").problems[0]?.line, 1);
  const broken = parseProductCsv('stall_id,name,price\ntea,"Cup,1\n');
  assertEquals(broken.rows, []);
  assertEquals(broken.problems.length, 1);
});
