import { html, raw } from "@hono/hono/html";
import { formatSat } from "../../money/msat.ts";
import { invoiceText } from "../../payments/invoice_text.ts";
import { SCRIPT, STYLE } from "./pay_look.ts";
import type { OpenInvoice, PayLook, PayState } from "./pay_state.ts";
import type { Payable } from "./payable_store.ts";
import { qrSvg } from "./qr_svg.ts";

/** Seconds between two looks where no script runs. */
const REFRESH_SECONDS = 10;

const WORDS: Record<PayState, string> = {
  making: "Your invoice is being made. It appears here as soon as it is there.",
  waiting: "Waiting for your payment.",
  held: "Your payment is on its way.",
  paid: "Paid. Thank you!",
  returned: "Your payment arrived, and it goes back to you. The shop tells you more by message.",
  expired: "The time to pay has run out. Please don't pay any more: ask the shop for a new invoice.",
  closed: "There is nothing to pay here any more.",
};
/** Nothing follows. */
const LAST: readonly PayState[] = ["paid", "returned", "closed"];

/** A page that shows what an order's customer has to pay and what has become of it, and nothing of customer or goods. */
export function payPage(payable: Payable, look: PayLook) {
  const { shop, merchant, orderId } = payable;
  const invoice = look.state === "waiting" ? look.invoice : null;
  const follows = !LAST.includes(look.state);
  const body = html`
    <main data-state="${look.state}" data-invoice="${invoice?.paymentHash ?? ""}">
      <h1>Payment to <bdi>${shop}</bdi></h1>
      <p class="state ${look.state}" role="status">${WORDS[look.state]}</p>
      <dl>
        ${invoice && html`
          <dt>Amount</dt>
          <dd><strong>${formatSat(invoice.amountMsat)}</strong></dd>
        `}
        <dt>Reference</dt><dd>${invoiceText(merchant, orderId)}</dd>
        ${invoice && html`
          <dt>Pay by</dt>
          <dd>${minute(invoice.expiresAt)}</dd>
        `}
      </dl>
      ${invoice && payment(invoice)}
    </main>
    ${follows ? html`<script>${raw(SCRIPT)}</script>` : ""}
  `;
  return page(`Payment to ${shop}`, body, follows);
}

/** A page that only says something. */
export function sayingPage(title: string, text: string) {
  return page(
    title,
    html`
      <main>
        <h1>${title}</h1>
        <p>${text}</p>
      </main>
    `,
    false,
  );
}

function payment({ bolt11 }: OpenInvoice) {
  // Upper case makes a smaller code (BOLT11: either case; LUD-01's rule for its own).
  return html`
    ${qrSvg(`lightning:${bolt11}`.toUpperCase(), "QR code of the Lightning invoice")}
    <a class="pay" href="lightning:${bolt11}">Open in a Lightning wallet</a>
    <label for="invoice">Lightning invoice</label>
    <textarea id="invoice" rows="5" readonly spellcheck="false">${bolt11}</textarea>
    <button type="button" hidden>Copy the invoice</button>
    <p id="copied" role="status"></p>
  `;
}

function page(title: string, body: unknown, follows: boolean) {
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="robots" content="noindex, nofollow">
            <meta name="referrer" content="no-referrer">
            <title>${title}</title>
            <style>${raw(STYLE)}</style>
            ${follows
              ? html`<noscript><meta http-equiv="refresh" content="${REFRESH_SECONDS}"></noscript>`
              : ""}
          </head>
      <body>${body}</body>
    </html>
  `;
}

/** `2026-11-21 14:05 UTC` */
function minute(ms: number) {
  const at = new Date(ms).toISOString();
  return html`<time datetime="${at}">${at.slice(0, 10)} ${at.slice(11, 16)} UTC</time>`;
}
