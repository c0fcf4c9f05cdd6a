import { html } from "hono/html";
import {
  belongsTo,
  type NotificationView,
  type OrderView,
  type RefundView,
  type StateView,
} from "../ledger/views.ts";
import { action, badge, label, protocolTag, time, yuan, type Html } from "./format.ts";

const MAX_SHOWN_ORDERS = 100;

/** The orders, newest first, each with its refunds and notifications. */
export function orderList(state: StateView): Html {
  if (state.orders.length === 0) return emptyState(state);
  const shown = state.orders.slice(0, MAX_SHOWN_ORDERS);
  const rest = state.orders.length - shown.length;
  return html`${shown.map((order) => orderCard(order, state))}
  ${rest > 0 ? html`<p class="note">${rest} older orders are not shown.</p>` : ""}`;
}

function emptyState(state: StateView): Html {
  return html`<div class="card empty">
    <svg viewBox="0 0 48 48" width="56" height="56" aria-hidden="true">
      <rect x="9" y="5" width="30" height="38" rx="5" />
      <path d="M17 15h14M17 23h14M17 31h8" />
    </svg>
    <h2>${label("No orders yet", "还没有订单")}</h2>
    <p>
      Point the gateway at this address and create an order: it appears here, waiting to be paid.
    </p>
    <dl>
      ${state.merchants.map(
        ({ mchId, appIds, serialNos }) =>
          html`<dt>mch_id</dt>
            <dd><code>${mchId}</code></dd>
            <dt>appid</dt>
            <dd>${appIds.map((appId) => html`<code>${appId}</code> `)}</dd>
            <dt>serial_no</dt>
            <dd>${serialNos.map((serialNo) => html`<code>${serialNo}</code> `)}</dd>`,
      )}
    </dl>
  </div>`;
}

function orderCard(order: OrderView, state: StateView): Html {
  const path = `/orders/${encodeURIComponent(order.outTradeNo)}`;
  const refunds = state.refunds.filter((refund) => belongsTo(order, refund));
  const notifications = state.notifications.filter((it) => belongsTo(order, it));
  return html`<article class="card">
    <header>
      <p>
        <strong class="amount">${yuan(order.totalFee)}</strong>
        ${
          order.refundedFee === 0
            ? ""
            : html`<span class="returned">−${yuan(order.refundedFee)}</span>`
        }
      </p>
      <span class="states">${protocolTag(order.protocol)} ${badge(order.state)}</span>
    </header>
    <p class="body">${order.body}</p>
    <dl>
      <dt>${label("Number", "单号")}</dt>
      <dd><code>${order.outTradeNo}</code></dd>
      ${
        order.transactionId === null
          ? ""
          : html`<dt>${label("Trade", "交易")}</dt>
              <dd><code>${order.transactionId}</code></dd>`
      }
      ${
        order.attach === null
          ? ""
          : html`<dt>attach</dt>
              <dd>${order.attach}</dd>`
      }
      <dt>${label("Account", "商户")}</dt>
      <dd><code>${order.mchId}</code> <code>${order.appId}</code></dd>
      <dt>${label("Made", "创建")}</dt>
      <dd>
        ${time(order.createdAt)}${
          order.paidAt === null ? "" : html` · ${label("paid", "支付")} ${time(order.paidAt)}`
        }
        · prepay ×${order.prepayCalls}
      </dd>
    </dl>
    <div class="actions">${orderActions(order, path)}</div>
    ${refunds.map(refundRow)} ${notificationList(order, notifications)}
  </article>`;
}

function orderActions(order: OrderView, path: string): Html {
  if (order.state === "NOTPAY") {
    return html`${action(label("Pay", "支付"), { path: `${path}/pay`, tone: "main" })}
    ${action(label("Fail", "失败"), { path: `${path}/fail` })}
    ${action(label("Close", "关闭"), { path: `${path}/close` })}`;
  }
  if (order.paidAt === null) return html``;
  const rest = order.totalFee - order.refundedFee;
  return html`${action(label("Notify again", "重发通知"), { path: `${path}/notify` })}
  ${
    rest === 0
      ? ""
      : action(label("Refund in the merchant platform", "商户平台退款"), {
          path: `${path}/platform-refund`,
        })
  }`;
}

function refundRow(refund: RefundView): Html {
  const path = `/refunds/${encodeURIComponent(refund.outRefundNo)}`;
  const open = refund.status === "PROCESSING" || refund.status === "CHANGE";
  const outcome = (text: Html, status: string, tone?: "main"): Html =>
    action(text, {
      path: `${path}/outcome`,
      body: { status },
      ...(tone === undefined ? {} : { tone }),
    });
  return html`<section class="refund">
    <header>
      <span>${label("Refund", "退款")} <strong>${yuan(refund.refundFee)}</strong></span>
      <span class="states">${protocolTag(refund.protocol)} ${badge(refund.status)}</span>
    </header>
    <p>
      <code>${refund.outRefundNo}</code> · ${time(refund.createdAt)} ·
      ${refund.source === "API" ? html`×${refund.calls}` : label("merchant platform", "商户平台")}
    </p>
    <div class="actions">
      ${open ? outcome(label("Success", "成功"), "SUCCESS", "main") : ""}
      ${refund.status === "PROCESSING" ? outcome(label("Changed", "异常"), "CHANGE") : ""}
      ${open ? outcome(label("Closed", "关闭"), "REFUNDCLOSE") : ""}
      ${
        refund.status === "PROCESSING"
          ? ""
          : action(label("Notify again", "重发通知"), { path: `${path}/notify` })
      }
    </div>
  </section>`;
}

function notificationList(order: OrderView, notifications: readonly NotificationView[]): Html {
  if (notifications.length === 0) return html``;
  const latest = notifications[0];
  return html`<details data-key="${order.mchId}/${order.outTradeNo}">
    <summary>
      ${label("Notifications", "通知")} ${notifications.length}
      ${latest === undefined ? "" : badge(latest.state)}
    </summary>
    ${notifications.map(
      (it) =>
        html`<div class="notification">
          <p>
            <strong>${it.kind}</strong> ${protocolTag(it.protocol)} ${badge(it.state)}
            ${it.probe ? label("signature probe", "签名探测") : ""}
            ${it.nextAt === null ? "" : html`${label("next", "下次")} ${time(it.nextAt)}`}
          </p>
          <p><code>${it.url}</code></p>
          <ol>
            ${it.attempts.map(
              (attempt) =>
                html`<li class="${attempt.ok ? "ok" : "failed"}">
                  ${time(attempt.at)} <b>${attempt.status ?? "–"}</b>
                  <span>${attempt.answer}</span>
                </li>`,
            )}
          </ol>
        </div>`,
    )}
  </details>`;
}
