/** The pages' only style. */
export const STYLE = `
*{box-sizing:border-box}
body{margin:0;background:#fff;color:#1a1a1a;font:1.0625rem/1.5 system-ui,sans-serif}
main{max-width:26rem;margin:0 auto;padding:1.5rem 1rem}
h1{font-size:1.375rem;line-height:1.3;margin:0 0 1rem;overflow-wrap:anywhere}
.state{margin:0 0 1rem;padding:.5rem .75rem;border-left:.25rem solid #595959;background:#f2f2f2}
.state.paid{border-color:#0b6b2e}
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:0 0 1rem}
dd{margin:0;overflow-wrap:anywhere}
svg{display:block;width:100%;height:auto;margin:0 0 1rem;border:1px solid #767676}
a.pay,button{display:block;width:100%;padding:.75rem;border:2px solid #0b4f9e;border-radius:.25rem;background:#0b4f9e;
color:#fff;font:inherit;text-align:center;text-decoration:none;cursor:pointer}
button{margin-top:.5rem;background:#fff;color:#0b4f9e}
[hidden]{display:none}
label{display:block;margin:1rem 0 .25rem}
textarea{width:100%;font:.875rem/1.4 ui-monospace,monospace;color:inherit;border:1px solid #767676;word-break:break-all}
:focus-visible{outline:3px solid #b35900;outline-offset:2px}
`;

/**
 * Loads the page again when what it shows has changed, and copies the invoice. Without it the page loads itself again every
 * few seconds, and the text is copied by hand.
 */
export const SCRIPT = `
"use strict";
const { state, invoice } = document.querySelector("main").dataset;
const look = async () => {
  const answer = await fetch(location.pathname + "/state", { cache: "no-store", credentials: "omit" });
  if (!answer.ok) return;
  const now = await answer.json();
  if (now.state !== state || (now.payment_hash || "") !== invoice) location.reload();
};
setInterval(() => look().catch(() => undefined), 4000);
const button = document.querySelector("button");
if (button && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", () => {
    navigator.clipboard.writeText(document.querySelector("textarea").value).then(() => {
      document.querySelector("#copied").textContent = "Copied.";
    }, () => document.querySelector("textarea").select());
  });
}
`;
