import { assertEquals, assertStringIncludes } from "@std/assert";
import decodeQR from "qr/decode.js";
import { qrSvg } from "../../../src/api/pay/qr_svg.ts";

/** Pixels of a module's side. */
const SCALE = 4;

/** Draws what the SVG says, as a browser would: a white square, and strokes one module high. */
function drawn(svg: string) {
  const size = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)![1]);
  const side = size * SCALE;
  const data = new Uint8Array(side * side * 4).fill(255);
  let x = 0;
  let y = 0;
  for (const [, move, a, b, width] of svg.matchAll(/([Mm])(\d+) (\d+)(?:\.5)?h(\d+)(?!v)/g)) {
    [x, y] = move === "M" ? [Number(a), Number(b)] : [x + Number(a), y];
    for (let row = y * SCALE; row < (y + 1) * SCALE; row++) {
      const from = (row * side + x * SCALE) * 4;
      for (let at = from; at < from + Number(width) * SCALE * 4; at += 4) data.fill(0, at, at + 3);
    }
    x += Number(width);
  }
  return { width: side, height: side, data };
}

for (
  const text of ["A", `LIGHTNING:LNBC210N1${"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".repeat(10)}`, "x".repeat(900)]
) {
  Deno.test(`a scanner reads what the code was made of (${text.length} characters)`, async () => {
    assertEquals(decodeQR(drawn(String(await qrSvg(text, "code")))), text);
  });
}

Deno.test("what the code is stands beside it as text, whatever it holds", async () => {
  assertStringIncludes(String(await qrSvg("A", '"><script>')), 'aria-label="&quot;&gt;&lt;script&gt;"');
});
