import * as z from "zod";
import { err, ok, type Result } from "../../lib/result.ts";
import type {
  NotificationFault,
  NotificationMessage,
  NotificationRejection,
  NotificationResponse,
  Payment,
  RefundNotification,
} from "../types.ts";
import { openSealed } from "./cipher.ts";
import { readJson } from "./json.ts";
import { readPayment } from "./payment.ts";
import { isMissingPublicKey, keyFinder, type V3Client } from "./request.ts";
import { verify } from "./verify.ts";

/** The keys that verify and decrypt a notification. */
export type V3NotificationKeys = Pick<V3Client, "merchant" | "findVerifyKey">;

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
 * Reads and verifies a payment notification (W-89). The signature over the raw body is verified
 * before the body is parsed and decrypted.
 *
 * The caller still has to compare `wechatAppId`, `totalFen`, `attach` and `signType` with the stored
 * order.
 */
export async function readPaymentNotification(
  keys: V3NotificationKeys,
  message: NotificationMessage,
  nowAt: number,
): Promise<Result<Payment, NotificationFault>> {
  const opened = await open(keys, message, PAYMENT_EVENTS, nowAt);
  if (!opened.ok) return opened;
  const state = readJson(opened.value, paid);
  if (!state.ok) return fault("malformed", state.error);
  const payment = readPayment(opened.value, keys.merchant);
  if (!payment.ok) return fault(payment.error.kind, payment.error.detail);
  return ok({ ...payment.value, attach: payment.value.attach ?? "" });
}

/** Only the fields that are used: a fault in another field must not reject a genuine message. */
const refundResource = z.object({
  mchid: z.string(),
  out_trade_no: z.string().min(1),
  out_refund_no: z.string().min(1),
});

/**
 * Reads and verifies a refund notification (W-90). Its outcome isn't returned: as in APIv2, a query's
 * answer, which is newer, is recorded instead.
 */
export async function readRefundNotification(
  keys: V3NotificationKeys,
  message: NotificationMessage,
  nowAt: number,
): Promise<Result<RefundNotification, NotificationFault>> {
  const opened = await open(keys, message, REFUND_EVENTS, nowAt);
  if (!opened.ok) return opened;
  const read = readJson(opened.value, refundResource);
  if (!read.ok) return fault("malformed", read.error);
  const { mchid, out_trade_no: orderNumber, out_refund_no: refundNo } = read.value;
  if (mchid !== keys.merchant.mchId) return fault("wrong-identity", "mchid");
  return ok({ orderNumber, refundNo });
}

async function open(
  keys: V3NotificationKeys,
  message: NotificationMessage,
  events: ReadonlySet<string>,
  nowAt: number,
): Promise<Result<Uint8Array, NotificationFault>> {
  const verified = await verify(message, keyFinder(keys), nowAt);
  if (!verified.ok) {
    const kind = (await isOfMissingPublicKey(keys.merchant, message, verified.error.kind))
      ? "public-key-missing"
      : verified.error.kind;
    return err({ ...verified.error, kind, rejection: "not authentic" });
  }
  const read = readJson(message.body, envelope);
  if (!read.ok) return fault("unreadable", read.error);
  if (!events.has(read.value.event_type)) return fault("unexpected", "event_type");
  const plain = await openSealed(read.value.resource, keys.merchant.v3.apiV3Key);
  return plain === null ? fault("undecryptable", "resource") : ok(plain);
}

/**
 * Whether WeChat signed the message with a public key that the merchant hasn't entered. Only the
 * holder of the APIv3 key can make a resource that opens under it.
 */
async function isOfMissingPublicKey(
  merchant: V3NotificationKeys["merchant"],
  { headers, body }: NotificationMessage,
  kind: NotificationFault["kind"],
): Promise<boolean> {
  if (kind !== "unknown-key" || !isMissingPublicKey(merchant, headers)) return false;
  const read = readJson(body, envelope);
  return read.ok && (await openSealed(read.value.resource, merchant.v3.apiV3Key)) !== null;
}

function fault(
  kind: NotificationFault["kind"],
  detail: string,
): { readonly ok: false; readonly error: NotificationFault } {
  return err({ kind, detail, rejection: "not accepted" });
}

/** WeChat evaluates the status: 200 or 204 ends its repeats. The body is for people. */
const STATUSES = {
  "not authentic": 401,
  "not accepted": 400,
  "too large": 413,
  "broken off": 400,
  "not confirmed yet": 503,
  "try again later": 503,
} as const satisfies Record<NotificationRejection, number>;

/** The response in APIv3's form. */
export function acknowledge(outcome: Result<null, NotificationRejection>): NotificationResponse {
  if (outcome.ok) return { status: 204, contentType: null, body: null };
  return {
    status: STATUSES[outcome.error],
    contentType: "application/json",
    body: JSON.stringify({ code: "FAIL", message: outcome.error }),
  };
}
