import * as z from "zod";
import { err, ok, type Result } from "../../lib/result.ts";
import type { Payment } from "../types.ts";
import { keyFinder, type V3Client } from "./request.ts";
import { openSealed } from "./cipher.ts";
import { readJson } from "./json.ts";
import { readPayment } from "./payment.ts";
import { refundStatus } from "./refund-status.ts";
import { verify, type Message, type VerifyFault } from "./verify.ts";

/**
 * Why a message that claims to be WeChat's isn't acted upon. `detail` is for logs: it names fields
 * and never holds a key, a signature or what was signed.
 */
export interface NotificationFault {
  readonly kind:
    | VerifyFault["kind"]
    | "unreadable"
    | "unexpected"
    | "undecryptable"
    | "malformed"
    | "wrong-identity";
  readonly detail: string;
}

const PAYMENT_EVENTS: ReadonlySet<string> = new Set(["TRANSACTION.SUCCESS"]);
const REFUND_EVENTS: ReadonlySet<string> = new Set([
  "REFUND.SUCCESS",
  "REFUND.ABNORMAL",
  "REFUND.CLOSED",
]);

const envelope = z.object({
  event_type: z.string(),
  resource: z.object({
    algorithm: z.literal("AEAD_AES_256_GCM"),
    nonce: z.string().min(1),
    associated_data: z.string().nullish(),
    ciphertext: z.string().min(1),
  }),
});

const paid = z.object({ trade_state: z.literal("SUCCESS") });

/**
 * Reads and verifies a payment notification (WeChat: APIv3 payment notification): the signature over
 * the raw body first, and only then is it parsed and decrypted.
 *
 * What only the stored order can tell remains for the caller: that `wechatAppId`, `totalFen` and
 * `signType` are the order's.
 */
export async function readPaymentNotification(
  client: V3Client,
  message: Message,
  nowAt: number,
): Promise<Result<Payment, NotificationFault>> {
  const opened = await open(client, message, PAYMENT_EVENTS, nowAt);
  if (!opened.ok) return opened;
  const state = readJson(opened.value, paid);
  if (!state.ok) return fault("malformed", state.error);
  return readPayment(opened.value, client.merchant);
}

/** A refund of which WeChat says that it has moved on. */
export interface RefundNews {
  readonly orderNumber: string;
  readonly refundNo: string;
}

/** No appid is told, and no currency (WeChat: APIv3 refund notification). */
const refundNews = z.object({
  mchid: z.string(),
  out_trade_no: z.string().min(1),
  out_refund_no: z.string().min(1),
  refund_status: refundStatus,
});

/**
 * Reads and verifies a refund notification. Its outcome isn't told further: the query's answer,
 * which is dated later, is what gets booked, as in APIv2.
 */
export async function readRefundNotification(
  client: V3Client,
  message: Message,
  nowAt: number,
): Promise<Result<RefundNews, NotificationFault>> {
  const opened = await open(client, message, REFUND_EVENTS, nowAt);
  if (!opened.ok) return opened;
  const read = readJson(opened.value, refundNews);
  if (!read.ok) return fault("malformed", read.error);
  const { mchid, out_trade_no: orderNumber, out_refund_no: refundNo } = read.value;
  if (mchid !== client.merchant.mchId) return fault("wrong-identity", "mchid");
  return ok({ orderNumber, refundNo });
}

async function open(
  client: V3Client,
  message: Message,
  events: ReadonlySet<string>,
  nowAt: number,
): Promise<Result<Uint8Array, NotificationFault>> {
  const verified = await verify(message, keyFinder(client), nowAt);
  if (!verified.ok) return verified;
  const read = readJson(message.body, envelope);
  if (!read.ok) return fault("unreadable", read.error);
  if (!events.has(read.value.event_type)) return fault("unexpected", "event_type");
  const plain = await openSealed(read.value.resource, client.merchant.v3.apiV3Key);
  return plain === null ? fault("undecryptable", "resource") : ok(plain);
}

function fault(
  kind: NotificationFault["kind"],
  detail: string,
): { readonly ok: false; readonly error: NotificationFault } {
  return err({ kind, detail });
}
