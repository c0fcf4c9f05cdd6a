import { err, ok, type Result } from "../lib/result.ts";
import type {
  Merchant,
  Notification,
  NotificationFault,
  NotificationMessage,
  NotificationRejection,
  NotificationResponse,
  Protocol,
  VerifyKeyLookup,
} from "./types.ts";
import { isOrderNumber, isRefundNo } from "./numbers.ts";
import * as v2 from "./v2/notifications.ts";
import * as v3 from "./v3/notifications.ts";

/** The merchant, protocol and keys for reading a notification. */
export interface NotificationReader {
  readonly merchant: Merchant;
  readonly protocol: Protocol;
  readonly findVerifyKey: VerifyKeyLookup;
}

/**
 * Reads and verifies a notification of the kind that its path expects. The caller still has to
 * compare a payment's app, amount and sign type with the stored order.
 *
 * Numbers in a form that none can have are a fault, in either protocol: blocks of an APIv2 refund
 * notification can be repeated into numbers of any length, and each would wake an object.
 */
export async function readNotification(
  kind: Notification["kind"],
  { merchant, protocol, findVerifyKey }: NotificationReader,
  message: NotificationMessage,
  nowAt: number,
): Promise<Result<Notification, NotificationFault>> {
  const { id, mchId } = merchant;
  switch (protocol) {
    case "v2": {
      if (merchant.v2 === null) return noCredentials("APIv2");
      const v2Merchant = { mchId, ...merchant.v2 };
      return kind === "payment"
        ? asPayment(await v2.readPaymentNotification(message.body, v2Merchant))
        : asRefund(await v2.readRefundNotification(message.body, v2Merchant));
    }
    case "v3": {
      if (merchant.v3 === null) return noCredentials("APIv3");
      const keys = { merchant: { id, mchId, v3: merchant.v3 }, findVerifyKey };
      return kind === "payment"
        ? asPayment(await v3.readPaymentNotification(keys, message, nowAt))
        : asRefund(await v3.readRefundNotification(keys, message, nowAt));
    }
  }
}

/**
 * The response in the protocol's form. A success ends WeChat's repeats, so it must be sent only when
 * the outcome is stored durably.
 */
export function acknowledge(
  protocol: Protocol,
  outcome: Result<null, NotificationRejection>,
): NotificationResponse {
  switch (protocol) {
    case "v2":
      return v2.acknowledge(outcome);
    case "v3":
      return v3.acknowledge(outcome);
  }
}

function asPayment(
  read: Awaited<ReturnType<typeof v3.readPaymentNotification>>,
): Result<Notification, NotificationFault> {
  if (!read.ok) return read;
  const payment = read.value;
  return isOrderNumber(payment.orderNumber)
    ? ok({ kind: "payment", payment })
    : malformed("out_trade_no");
}

function asRefund(
  read: Awaited<ReturnType<typeof v3.readRefundNotification>>,
): Result<Notification, NotificationFault> {
  if (!read.ok) return read;
  const { orderNumber, refundNo } = read.value;
  if (!isOrderNumber(orderNumber)) return malformed("out_trade_no");
  if (!isRefundNo(refundNo)) return malformed("out_refund_no");
  return ok({ kind: "refund", orderNumber, refundNo });
}

function malformed(detail: string): Result<never, NotificationFault> {
  return err({ kind: "malformed", detail, rejection: "not accepted" });
}

function noCredentials(api: string): Result<never, NotificationFault> {
  return err({
    kind: "no-credentials",
    detail: `no ${api} credentials`,
    rejection: "not authentic",
  });
}
