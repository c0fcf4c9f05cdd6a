import { peek } from "../../lib/peek.ts";
import { readUpTo } from "../../lib/read-body.ts";
import { BILL_LIMITS, openStream, type StreamLimits } from "../stream.ts";
import { MAX_XML_ANSWER_BYTES, textOf } from "../transport.ts";
import { unknown } from "../error-class.ts";
import type { BillAnswer, BillRequest } from "../types.ts";
import { buildMessage, unsendable, type V2Client } from "./request.ts";
import { billAnswerOfError } from "./error-codes.ts";
import { readXml } from "./xml.ts";

/** `<`: an error is XML. A bill begins with a column name or gzip's magic bytes. */
const XML_START = 0x3c;

/**
 * Requests the bill of all trades of a day, gzipped (W-57). The answer isn't signed, and has status
 * 200 for a bill and for an error, which is XML.
 */
export async function openBill(
  client: V2Client,
  { day, wechatAppId }: BillRequest,
  limits: StreamLimits = BILL_LIMITS,
): Promise<BillAnswer> {
  const { merchant, env } = client;
  const message = await buildMessage(
    merchant,
    { wechatAppId, signType: merchant.signType },
    {
      path: "/pay/downloadbill",
      fields: { bill_date: day.replaceAll("-", ""), bill_type: "ALL", tar_type: "GZIP" },
      timeoutMs: limits.wholeMs,
    },
  );
  if (!message.ok) return unsendable(message.error);
  const outcome = await openStream(env, env.fetch, message.value, limits);
  if (outcome.kind === "failed") return unknown(outcome.reason);
  if (outcome.status !== 200) {
    await outcome.body.cancel();
    return unknown(`HTTP ${outcome.status}`);
  }
  try {
    const { head, whole } = await peek(outcome.body, 1);
    if (head.byteLength === 0) return unknown("an empty answer");
    if (head[0] !== XML_START) return { kind: "opened", stream: whole, sha1: null };
    return readError(await readUpTo(whole, MAX_XML_ANSWER_BYTES));
  } catch (error) {
    return unknown(`answer broke off: ${textOf(error)}`);
  }
}

/** The code is in `error_code` here, not in `err_code` as elsewhere (W-58). */
function readError(body: Uint8Array | null): BillAnswer {
  const read = readXml(body ?? new Uint8Array());
  if (!read.ok) return unknown(`unreadable answer: ${read.error}`);
  const fields = read.value;
  return billAnswerOfError({
    code: fields.get("error_code") || fields.get("err_code") || "",
    message: fields.get("return_msg") || fields.get("err_code_des") || "",
  });
}
