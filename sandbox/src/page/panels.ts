import { html } from "hono/html";
import {
  API_CALLS,
  BILL_FAULTS,
  CALL_FAULTS,
  NOTIFICATION_FAULTS,
  NOTIFICATION_KINDS,
} from "../ledger/fault-names.ts";
import type { StoredFault } from "../ledger/faults.ts";
import type { CallRecord } from "../ledger/calls.ts";
import type { Settings } from "../ledger/settings.ts";
import { action, label, time, type Html } from "./format.ts";

const MAX_SHOWN_CALLS = 40;

/** The form that arms a fault. Polling doesn't replace it, so that unfinished input stays. */
export function faultForm(): Html {
  return html`<form id="fault-form">
    <label>
      <span>${label("Where", "位置")}</span>
      <select name="where">
        <optgroup label="Call 调用">
          ${API_CALLS.map((call) => html`<option value="call/${call}">${call}</option>`)}
        </optgroup>
        <optgroup label="Notification 通知">
          ${NOTIFICATION_KINDS.map(
            (kind) => html`<option value="notification/${kind}">${kind}</option>`,
          )}
        </optgroup>
        <option value="bill">Bill 账单</option>
      </select>
    </label>
    <label>
      <span>${label("Fault", "故障")}</span>
      <select name="call">
        ${CALL_FAULTS.map((fault) => html`<option>${fault}</option>`)}
      </select>
      <select name="notification" hidden>
        ${NOTIFICATION_FAULTS.map((fault) => html`<option>${fault}</option>`)}
      </select>
      <select name="bill" hidden>
        ${BILL_FAULTS.map((fault) => html`<option>${fault}</option>`)}
      </select>
    </label>
    <label class="narrow">
      <span>${label("Times", "次数")}</span>
      <input name="times" type="number" min="1" max="1000" value="1" required />
    </label>
    <label class="wide">
      <span>${label("Order", "单号")}</span>
      <input name="outTradeNo" maxlength="32" placeholder="any 任意" autocomplete="off" />
    </label>
    <label id="out-refund-no" class="wide" hidden>
      <span>${label("Refund", "退款单号")}</span>
      <input name="outRefundNo" maxlength="64" autocomplete="off" disabled />
    </label>
    <label id="err-code" hidden>
      err_code
      <input name="errCode" pattern="[A-Z0-9_]+" maxlength="32" placeholder="NOTENOUGH" />
    </label>
    <button class="main">${label("Add fault", "添加故障")}</button>
  </form>`;
}

/** The armed faults. */
export function activeFaults(faults: readonly StoredFault[]): Html {
  if (faults.length === 0) {
    return html`<p class="note">${label("None: all goes well.", "无故障，一切正常")}</p>`;
  }
  return html`<ul class="faults">
      ${faults.map(
        (fault) =>
          html`<li>
            <span
              ><b>${fault.fault}</b> · ${placeOf(fault)}
              ${fault.outTradeNo === undefined ? "" : html`· <code>${fault.outTradeNo}</code>`}
              ${outRefundNoOf(fault)}
              ${fault.errCode === undefined ? "" : html`· ${fault.errCode}`}</span
            >
            <span class="badge bad">×${fault.times}</span>
          </li>`,
      )}
    </ul>
    ${action(label("Clear faults", "清除故障"), { method: "DELETE", path: "/faults" })}`;
}

function placeOf(fault: StoredFault): string {
  switch (fault.on) {
    case "call":
      return fault.path;
    case "notification":
      return fault.kind;
    case "bill":
      return fault.mchId === undefined ? "bill" : `bill of ${fault.mchId}`;
  }
}

function outRefundNoOf(fault: StoredFault): Html | "" {
  return fault.on === "bill" && fault.outRefundNo !== undefined
    ? html`· <code>${fault.outRefundNo}</code>`
    : "";
}

/** The latest calls, newest first. */
export function recentCalls(calls: readonly CallRecord[]): Html {
  if (calls.length === 0) {
    return html`<p class="note">${label("No calls yet.", "还没有调用")}</p>`;
  }
  return html`<ol class="calls">
    ${calls.slice(0, MAX_SHOWN_CALLS).map(
      (call) =>
        html`<li>
          <p>${time(call.at)} <b>${call.path}</b></p>
          <p class="${isFailure(call) ? "failed" : ""}">${call.outcome}</p>
          ${call.outTradeNo === undefined ? "" : html`<p><code>${call.outTradeNo}</code></p>`}
        </li>`,
    )}
  </ol>`;
}

/** The current settings. */
export function settingsLine(settings: Settings): Html {
  return html`<dl class="settings">
    <dt>${label("Retry waits", "重试间隔")}</dt>
    <dd>×${settings.notifyScale}</dd>
    <dt>${label("Close after", "最早关单")}</dt>
    <dd>${settings.closeAfterMs / 1000} s</dd>
    <dt>${label("Refund spacing", "退款间隔")}</dt>
    <dd>${settings.refundSpacingMs / 1000} s</dd>
    <dt>${label("Refund outcome", "退款结果")}</dt>
    <dd>${settings.refundOutcome}</dd>
    <dt>${label("Signature probes", "签名探测")}</dt>
    <dd>${Number((settings.probeRate * 100).toFixed(2))} %</dd>
    <dt>${label("Bills", "账单")}</dt>
    <dd>
      ${settings.billColumns}${settings.billExtraLines === 0 ? "" : ` +${settings.billExtraLines}`}
    </dd>
  </dl>`;
}

/** Whether to highlight a call: a WeChat Pay call without success, or a failed payment. */
function isFailure({ path, outcome }: CallRecord): boolean {
  return path.startsWith("/") ? outcome !== "SUCCESS" : outcome === "payment failed";
}
