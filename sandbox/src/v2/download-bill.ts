import { billDay } from "../bill/day.ts";
import { BILL_TYPES } from "../bill/columns.ts";
import { makeBill, type BillRefusal, type MadeBill } from "../bill/make.ts";
import type { Books } from "../ledger/books.ts";
import { recordCall } from "../ledger/calls.ts";
import { answersACode } from "../ledger/fault-names.ts";
import { takeCallFault, type StruckCall } from "../ledger/faults.ts";
import type { WireAnswer } from "../wire/answer.ts";
import { BILL_LINE, billFile } from "../wire/bill.ts";
import { ACTS, brokenLine, slowness } from "../wire/faults.ts";
import type { Refusal } from "./answers.ts";
import { checkFields } from "./fields.ts";
import { admit, type ApiRequest } from "./request.ts";
import { answered } from "./strike.ts";
import { DOWNLOAD_BILL } from "./tables.ts";
import { writeXml } from "./xml.ts";

const PATH = "/pay/downloadbill";

/** What there is in the place of a bill: `error_code`, as this call alone has it, and a text. */
interface Failure {
  code: string;
  message: string;
}

type Result = { ok: true; bill: MadeBill } | { ok: false; failure: Failure };

const OF_FORM = "20001";

/**
 * What APIv2 says when there is no bill. Not published: the number that goes with `Bill Creating`, and
 * what is said of a day that is not over or too long ago.
 */
const FAILURES: Readonly<Record<BillRefusal, Failure>> = {
  "no-bill": { code: "20002", message: "No Bill Exist" },
  "being-made": { code: "20003", message: "Bill Creating" },
  "not-yet": { code: "20002", message: "No Bill Exist" },
  "too-old": { code: OF_FORM, message: "invalid bill_date" },
};

/**
 * POST /pay/downloadbill: the file itself, as text or as gzip, without a signature; what goes wrong
 * is told in XML, unsigned too. WeChat docs: downloadbill.
 */
export function downloadBill(books: Books, method: string, body: Uint8Array): WireAnswer {
  const admission = admit(books.sql, method, body);
  if (!admission.ok) return failed(books, formFailure(admission.rejection));
  const { request } = admission;
  const wrong = checkFields(DOWNLOAD_BILL, request.params);
  if (wrong !== undefined) return failed(books, formFailure(wrong));
  if (!request.merchant.appIds.includes(request.params.get("appid") ?? "")) {
    return failed(books, { code: OF_FORM, message: "appid and mch_id not match" });
  }
  const { sql } = books;
  const armed = {
    protocol: "v2",
    call: "downloadbill",
    outTradeNo: undefined,
    probed: false,
  } as const;
  const fault = takeCallFault(sql, armed);
  const result = fault === undefined || ACTS[fault.fault] ? made(books, request) : undefined;
  const outcome = result === undefined ? "not done" : describe(result);
  const why = fault === undefined ? "" : ` (fault: ${fault.fault})`;
  recordCall(books, { path: PATH, outcome: outcome + why });
  return struck(
    fault,
    result ?? { ok: false, failure: { code: "SYSTEMERROR", message: "SYSTEMERROR" } },
  );
}

function made(books: Books, { merchant, params }: ApiRequest): Result {
  const day = billDay(params.get("bill_date") ?? "");
  const type = BILL_TYPES.find((it) => it === (params.get("bill_type") ?? "ALL"));
  if (day === undefined || type === undefined) throw new Error("a checked field is not as checked");
  const gzip = params.has("tar_type");
  const ruling = makeBill(books, merchant, { protocol: "v2", day, type, gzip });
  return ruling.ok ? ruling : { ok: false, failure: FAILURES[ruling.refusal] };
}

/** What goes out, with what a fault of the call makes of it. */
function struck(fault: StruckCall | undefined, result: Result): WireAnswer {
  const broken = fault && brokenLine(fault, BILL_LINE);
  if (broken !== undefined) return broken;
  if (fault !== undefined && answersACode(fault.fault)) {
    const code = fault.errCode ?? "SYSTEMERROR";
    return answered(failureXml({ code, message: fault.errCodeDes ?? code }));
  }
  const delayMs = fault === undefined ? 0 : slowness(fault);
  return result.ok ? billFile(result.bill, delayMs) : answered(failureXml(result.failure), delayMs);
}

function failed(books: Books, failure: Failure): WireAnswer {
  recordCall(books, { path: PATH, outcome: describe({ ok: false, failure }) });
  return answered(failureXml(failure));
}

/** What is wrong with the request as such, in this call's few words for it. */
function formFailure(fault: Refusal): Failure {
  const message = FORM_MESSAGES[fault.code] ?? "data format error";
  return {
    code: OF_FORM,
    message: fault.message === "invalid bill_type" ? fault.message : message,
  };
}

const FORM_MESSAGES: Readonly<Record<string, string>> = {
  SIGNERROR: "SIGN ERROR",
  LACK_PARAMS: "missing parameter",
  POST_DATA_EMPTY: "missing parameter",
};

function failureXml({ code, message }: Failure): string {
  return writeXml([
    ["return_code", "FAIL"],
    ["return_msg", message],
    ["error_code", code],
  ]);
}

function describe(result: Result): string {
  return result.ok ? "SUCCESS" : `FAIL ${result.failure.code}: ${result.failure.message}`;
}
