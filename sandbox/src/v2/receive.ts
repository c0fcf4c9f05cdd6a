import { impossible } from "../exhaustive.ts";
import type { Books } from "../ledger/books.ts";
import { recordCall } from "../ledger/calls.ts";
import type { CommonCall } from "../ledger/fault-names.ts";
import { takeCallFault } from "../ledger/faults.ts";
import { findByTransaction } from "../ledger/orders.ts";
import { findByRefundId, findRefund } from "../ledger/refunds.ts";
import { ACTS } from "../wire/faults.ts";
import type { WireAnswer } from "../wire/answer.ts";
import { refused, writeRejection, type Answer } from "./answers.ts";
import { HANDLERS, refusalOfForm } from "./dispatch.ts";
import { admit, type ApiRequest } from "./request.ts";
import { answered, sealed, struck } from "./strike.ts";

/** A call as it came over the wire. */
export interface IncomingCall {
  call: CommonCall;
  method: string;
  body: Uint8Array;
}

const NOT_DONE = refused("SYSTEMERROR", "系统错误");

/** Answers a WeChat Pay call. A fault strikes only calls that are in order as such. */
export function receive(books: Books, { call, method, body }: IncomingCall): WireAnswer {
  const { path, act } = HANDLERS[call];
  const admission = admit(books.sql, method, body);
  if (!admission.ok) {
    recordCall(books, { path, outcome: describe(admission.rejection) });
    return answered(writeRejection(admission.rejection));
  }
  const { request } = admission;
  const about = numbersOf(books, request);
  const refusal = refusalOfForm(call, request);
  if (refusal !== undefined) {
    recordCall(books, { path, ...about, outcome: describe(refusal) });
    return answered(sealed(refusal, request));
  }
  const fault = takeCallFault(books.sql, {
    protocol: "v2",
    call,
    outTradeNo: about.outTradeNo,
    probed: false,
  });
  if (fault === undefined) {
    const answer = act(books, request);
    recordCall(books, { path, ...about, outcome: describe(answer) });
    return answered(sealed(answer, request));
  }
  const done = ACTS[fault.fault];
  const answer = done ? act(books, request) : NOT_DONE;
  const outcome = `${done ? describe(answer) : "not done"} (fault: ${fault.fault})`;
  recordCall(books, { path, ...about, outcome });
  return struck(fault, answer, request);
}

function describe(answer: Answer): string {
  switch (answer.kind) {
    case "done":
      return "SUCCESS";
    case "refused":
      return `${answer.code}: ${answer.message}`;
    case "rejected":
      return `FAIL ${answer.code}: ${answer.message}`;
  }
  return impossible(answer);
}

/** The numbers a call is about, also when it names the order by another number only. */
function numbersOf(
  { sql }: Books,
  { merchant: { mchId }, params }: ApiRequest,
): { outTradeNo?: string; outRefundNo?: string } {
  const refundId = params.get("refund_id");
  const outRefundNo =
    params.get("out_refund_no") ?? (refundId && findByRefundId(sql, mchId, refundId)?.outRefundNo);
  const transactionId = params.get("transaction_id");
  const outTradeNo =
    params.get("out_trade_no") ??
    (transactionId && findByTransaction(sql, mchId, transactionId)?.outTradeNo) ??
    (outRefundNo && findRefund(sql, mchId, outRefundNo)?.outTradeNo);
  return {
    ...(outTradeNo ? { outTradeNo } : {}),
    ...(outRefundNo ? { outRefundNo } : {}),
  };
}
