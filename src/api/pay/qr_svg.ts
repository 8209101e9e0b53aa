import { html } from "@hono/hono/html";
import { encodeQR } from "qr";

/** Light modules around the code, which scanners need (ISO/IEC 18004: four). */
const BORDER = 4;

/** A QR code as one SVG, black on white, with words for those who can't see it. */
export function qrSvg(text: string, label: string) {
  const rows = encodeQR(text, "raw", { ecc: "low", border: BORDER });
  const size = rows.length;
  return html`
    <svg role="img" aria-label="${label}" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">
      <path fill="#fff" d="M0 0h${size}v${size}H0z" />
      <path stroke="#000" d="${rows.map(line).join("")}" />
    </svg>
  `;
}

/** A row's dark modules as strokes: where the row is, then how far to go with the pen up and down. */
function line(row: boolean[], y: number): string {
  let path = "";
  let at = 0;
  for (let x = 0; x < row.length;) {
    if (!row[x]) {
      x++;
      continue;
    }
    const end = row.indexOf(false, x);
    const width = (end === -1 ? row.length : end) - x;
    path += path === "" ? `M${x} ${y}.5h${width}` : `m${x - at} 0h${width}`;
    x += width;
    at = x;
  }
  return path;
}
