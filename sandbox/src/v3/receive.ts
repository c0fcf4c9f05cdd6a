import { impossible } from "../exhaustive.ts";
import type { Books } from "../ledger/books.ts";
import { recordCall } from "../ledger/calls.ts";
import { takeCallFault, type StruckCall } from "../ledger/faults.ts";
import { findByTransaction } from "../ledger/orders.ts";
import { findRefund } from "../ledger/refunds.ts";
import { readSettings } from "../ledger/settings.ts";
import type { WireAnswer } from "../wire/answer.ts";
import { ACTS } from "../wire/faults.ts";
import { admit, type ApiRequest, type IncomingCall } from "./admit.ts";
import { billFile, tradeBill } from "./bills.ts";
import { problem, type Answer, type Problem } from "./answers.ts";
import { certificates } from "./certificates.ts";
import { matchEndpoint, type Endpoint } from "./endpoints.ts";
import { close, jsapi, queryOrder } from "./orders.ts";
import { fingerprint, noteProbe, takeProbe } from "./probes.ts";
import { queryRefund, refund } from "./refunds.ts";
import { problemReply, reply } from "./reply.ts";
import { mchidOf, readWish, type Wish } from "./wish.ts";

/** How much of a path that is no call is put on record. */
const MOST_OF_PATH = 100;

const NOT_DONE = problem("SYSTEM_ERROR", "系统错误");

/** Answers an APIv3 call. A fault strikes only calls that are in order as such. */
export function receiveV3(books: Books, call: IncomingCall): WireAnswer {
  const matching = matchEndpoint(call.method, call.target);
  const path = (call.target.split("?")[0] ?? "").slice(0, MOST_OF_PATH);
  switch (matching.found) {
    case "nothing":
      return refused(books, path, problem("NOT_FOUND", "请求的资源不存在", { status: 404 }));
    case "other-method":
      return refused(books, path, problem("METHOD_NOT_ALLOWED", "请求方法不支持", { status: 405 }));
    case "endpoint":
      break;
  }
  const { endpoint } = matching.match;
  const admission = admit(books, call);
  if (!admission.ok) return refused(books, endpoint.path, admission.problem);
  const { request } = admission;
  const reading = readWish(matching.match, request.body);
  if (!reading.ok) return refused(books, endpoint.path, reading.problem);
  const wish = reading.value;
  const about = numbersOf(books, request, wish);
  const stranger = identityProblem(request, wish);
  if (stranger !== undefined) return refused(books, endpoint.path, stranger, about);
  return answered(books, call, request, endpoint, wish, about);
}

interface About {
  outTradeNo?: string;
  outRefundNo?: string;
}

function answered(
  books: Books,
  call: IncomingCall,
  request: ApiRequest,
  { call: name, path }: Endpoint,
  wish: Wish,
  about: About,
): WireAnswer {
  const { sql, now } = books;
  const mark = fingerprint(call, request);
  const probed = takeProbe(sql, mark);
  const { outTradeNo } = about;
  const armed = takeCallFault(sql, { protocol: "v3", call: name, outTradeNo, probed });
  const fault = armed ?? (probed ? undefined : chanceProbe(sql, name));
  if (fault?.fault === "probe") noteProbe(sql, mark);
  const acts = fault === undefined || ACTS[fault.fault];
  const answer = acts ? act(books, request, wish, call.origin) : NOT_DONE;
  const outcome = acts ? describe(answer) : "not done";
  const why = fault === undefined ? "" : ` (fault: ${fault.fault})`;
  recordCall(books, { path, ...about, outcome: `${outcome}${why}` });
  return reply(answer, request.replyKey, now, fault);
}

/** A signature probe by chance, as often as the setting `probeRate` says, of what is signed. */
function chanceProbe(sql: SqlStorage, path: StruckCall["path"]): StruckCall | undefined {
  if (path === "billfile") return undefined;
  return Math.random() < readSettings(sql).probeRate
    ? { on: "call", path, fault: "probe", times: 1 }
    : undefined;
}

function act(books: Books, { merchant, serialNo }: ApiRequest, wish: Wish, origin: string): Answer {
  const { mchId } = merchant;
  switch (wish.kind) {
    case "jsapi":
      return jsapi(books, wish.body, serialNo);
    case "query":
      return queryOrder(books, mchId, wish);
    case "close":
      return close(books, mchId, wish.outTradeNo);
    case "refund":
      return refund(books, mchId, wish.body);
    case "refund-query":
      return queryRefund(books, mchId, wish.outRefundNo);
    case "certificates":
      return certificates(merchant);
    case "tradebill":
      return tradeBill(books, merchant, wish, origin);
    case "bill-file":
      return billFile(books, merchant, wish.token);
  }
  return impossible(wish);
}

/** What is wrong with whom a call names; undefined when nothing is. */
function identityProblem({ merchant }: ApiRequest, wish: Wish): Problem | undefined {
  const named = mchidOf(wish);
  if (named !== undefined && named !== merchant.mchId) {
    return problem("PARAM_ERROR", "mchid与Authorization中的商户号不一致", {
      detail: { field: "mchid", value: named, issue: "not the mchid of Authorization" },
    });
  }
  return wish.kind === "jsapi" && !merchant.appIds.includes(wish.body.appid)
    ? problem("APPID_MCHID_NOT_MATCH", "appid和mchid不匹配")
    : undefined;
}

/** The numbers a call is about, also when it names the order by another number only. */
function numbersOf({ sql }: Books, { merchant: { mchId } }: ApiRequest, wish: Wish): About {
  const withOrder = (outTradeNo: string | undefined, more: About = {}): About =>
    outTradeNo === undefined ? more : { ...more, outTradeNo };
  switch (wish.kind) {
    case "jsapi":
      return { outTradeNo: wish.body.out_trade_no };
    case "query":
      return withOrder(
        wish.outTradeNo ?? findByTransaction(sql, mchId, wish.transactionId ?? "")?.outTradeNo,
      );
    case "close":
      return { outTradeNo: wish.outTradeNo };
    case "refund": {
      const { out_trade_no: number, transaction_id: id, out_refund_no: outRefundNo } = wish.body;
      const outTradeNo = number ?? findByTransaction(sql, mchId, id ?? "")?.outTradeNo;
      return withOrder(outTradeNo, { outRefundNo });
    }
    case "refund-query": {
      const { outRefundNo } = wish;
      return withOrder(findRefund(sql, mchId, outRefundNo)?.outTradeNo, { outRefundNo });
    }
    case "certificates":
    case "tradebill":
    case "bill-file":
      return {};
  }
  return impossible(wish);
}

function refused(books: Books, path: string, why: Problem, about: About = {}): WireAnswer {
  recordCall(books, { path, ...about, outcome: describe(why) });
  return problemReply(why);
}

function describe(answer: Answer): string {
  if (answer.kind !== "problem") return "SUCCESS";
  const issue = answer.detail === undefined ? "" : ` (${answer.detail.issue})`;
  return `${answer.status} ${answer.code}: ${answer.message}${issue}`;
}
