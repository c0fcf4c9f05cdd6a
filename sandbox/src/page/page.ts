import { html, raw } from "hono/html";
import type { StateView } from "../ledger/views.ts";
import { action, label, zh, type Html } from "./format.ts";
import { keyPanel } from "./keys.ts";
import { orderList } from "./orders.ts";
import { activeFaults, faultForm, recentCalls, settingsLine } from "./panels.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

/** The page for people. Its policy allows its own style and script only. */
export async function page(state: StateView): Promise<Response> {
  const nonce = crypto.randomUUID();
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return await respond(pageHtml(state, nonce), policy);
}

/** The live parts of the page, which its script replaces. */
export async function liveParts(state: StateView): Promise<Response> {
  const { orders, faults, keys, calls, settings } = parts(state);
  return await respond(html`${orders}${faults}${keys}${calls}${settings}`, "default-src 'none'");
}

async function respond(content: Html, policy: string): Promise<Response> {
  return new Response(String(await content), {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    },
  });
}

function parts(
  state: StateView,
): Record<"orders" | "faults" | "keys" | "calls" | "settings", Html> {
  return {
    orders: html`<div id="orders" class="stack" data-live>${orderList(state)}</div>`,
    faults: html`<div id="faults" data-live>${activeFaults(state.faults)}</div>`,
    keys: html`<div id="keys" data-live>${keyPanel(state)}</div>`,
    calls: html`<div id="calls" data-live>${recentCalls(state.calls)}</div>`,
    settings: html`<div id="settings" data-live>${settingsLine(state.settings)}</div>`,
  };
}

function pageHtml(state: StateView, nonce: string): Html {
  const { orders, faults, keys, calls, settings } = parts(state);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>WeChat Pay sandbox 微信支付沙箱</title>
        <link rel="icon" href="data:," />
        <style nonce="${nonce}">
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        ${pageHeader()}
        <main class="layout">
          ${orders}
          <aside class="stack">
            <section class="card panel">
              <h2>${label("Faults", "故障")}</h2>
              ${faults} ${faultForm()}
            </section>
            <section class="card panel">
              <h2>${label("APIv3 keys", "密钥")}</h2>
              ${keys}
            </section>
            <section class="card panel">
              <h2>${label("Recent calls", "最近调用")}</h2>
              ${calls}
            </section>
            <section class="card panel">
              <h2>${label("Settings", "设置")}</h2>
              ${settings}
            </section>
          </aside>
        </main>
        <div id="said" role="status" hidden></div>
        <script nonce="${nonce}">
          ${raw(SCRIPT)};
        </script>
      </body>
    </html>`;
}

function pageHeader(): Html {
  const reset = action(label("Forget everything", "清空"), {
    path: "/reset",
    tone: "danger",
    confirm: "Forget all orders, refunds and merchants?",
  });
  return html`<header class="top">
    <div class="brand">
      <svg viewBox="0 0 24 24" width="34" height="34" aria-hidden="true">
        <path
          fill-rule="evenodd"
          d="M5 2h14a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H5a3 3 0 0 1-3-3V5a3 3 0 0 1 3-3Zm2 5 4 5H7.500v1.600h3.600V15H7.500v1.600h3.600V19h1.800v-2.400h3.600V15h-3.600v-1.400h3.600V12H13l4-5h-2l-3 4-3-4Z"
        />
      </svg>
      <div>
        <h1>${label("WeChat Pay sandbox", "微信支付沙箱")}</h1>
        <p>No real money moves. ${zh("不产生真实交易")}</p>
      </div>
    </div>
    ${reset}
  </header>`;
}
