import { html } from "hono/html";
import type { Protocol } from "../ledger/protocol.ts";
import { beijingText } from "../protocol/time.ts";

/** A piece of the page; everything interpolated into it is escaped. */
export type Html = ReturnType<typeof html>;

/** Fen as yuan with thousands separators, without division. */
export function yuan(fee: number): string {
  const digits = String(fee).padStart(3, "0");
  const whole = digits.slice(0, -2).replaceAll(/\B(?=(\d{3})+$)/g, ",");
  return `¥${whole}.${digits.slice(-2)}`;
}

/** English, then Chinese in a muted style. */
export function label(english: string, chinese: string): Html {
  return html`${english} ${zh(chinese)}`;
}

/** Chinese in a muted style, without line breaks. */
export function zh(chinese: string): Html {
  return html`<span class="zh" lang="zh">${chinese}</span>`;
}

/** `MM-dd HH:mm:ss` in Beijing time. */
export function time(at: number): Html {
  const text = beijingText(at);
  return html`<time title="${text} (Beijing)">${text.slice(5)}</time>`;
}

/** A button that calls the control API, after a confirmation when `confirm` has a question. */
export function action(
  text: Html,
  request: {
    readonly method?: string;
    readonly path: string;
    readonly body?: object;
    readonly tone?: "main" | "danger";
    readonly confirm?: string;
  },
): Html {
  const { method = "POST", path, body = {}, tone = "", confirm = "" } = request;
  return html`<button
    type="button"
    class="${tone}"
    data-method="${method}"
    data-path="${path}"
    data-body="${JSON.stringify(body)}"
    data-confirm="${confirm}"
  >
    ${text}
  </button>`;
}

/** A state as a coloured badge. */
export function badge(state: string): Html {
  return html`<span class="badge ${TONES[state] ?? "quiet"}">${state}</span>`;
}

/** The protocol of an order, a refund or a notification, in a muted style. */
export function protocolTag(protocol: Protocol): Html {
  return html`<span class="tag">${PROTOCOL_NAMES[protocol]}</span>`;
}

const PROTOCOL_NAMES: Readonly<Record<Protocol, string>> = { v2: "APIv2", v3: "APIv3" };

const TONES: Readonly<Record<string, string>> = {
  NOTPAY: "pending",
  PROCESSING: "pending",
  waiting: "pending",
  SUCCESS: "good",
  acknowledged: "good",
  REFUND: "info",
  CHANGE: "bad",
  "given-up": "bad",
};
