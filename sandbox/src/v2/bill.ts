import { BILL_TYPES } from "../bill/columns.ts";
import { parseBillDay, type BillRefusal } from "../bill/day.ts";
import { generateBill, type GeneratedBill } from "../bill/generate.ts";
import { recordCall } from "../ledger/calls.ts";
import { returnsErrorCode } from "../ledger/fault-names.ts";
import { takeCallFault, type AppliedCallFault } from "../ledger/faults.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { err, ok, type Result } from "../result.ts";
import { BILL_FILE_START, billFileResponse } from "../wire/bill-file.ts";
import type { WireResponse } from "../wire/response.ts";
import { delayOf, EXECUTES_CALL, transportFault } from "../wire/transport-faults.ts";
import { authenticate } from "./authenticate.ts";
import type { AuthenticatedCall } from "./call.ts";
import {
  checkFields,
  choice,
  COMMON_FIELDS,
  required,
  satisfying,
  type FieldTable,
} from "./fields.ts";
import { xmlResponse, type Failure } from "./response.ts";
import { writeXml } from "./xml.ts";

/** Where the APIv2 call for a bill is. */
export const BILL_PATH = "/pay/downloadbill";

/** Fields of downloadbill (W-57). */
const BILL_FIELDS: FieldTable = {
  fields: {
    ...COMMON_FIELDS,
    bill_date: required(satisfying((value) => parseBillDay(value) !== null)),
    bill_type: choice(...BILL_TYPES),
    tar_type: choice("GZIP"),
  },
};

/** The failure of this call: `error_code`, which no other call has, and a text. */
interface BillFailure {
  readonly code: string;
  readonly message: string;
}

const INVALID_REQUEST = "20001";

/**
 * The failures without a bill. Not published: the number of `Bill Creating`, and the failures for a
 * day that is not over or too long ago.
 */
const ERROR_CODES: Readonly<Record<BillRefusal, BillFailure>> = {
  "no-bill": { code: "20002", message: "No Bill Exist" },
  generating: { code: "20003", message: "Bill Creating" },
  "not-yet": { code: "20002", message: "No Bill Exist" },
  "too-old": { code: INVALID_REQUEST, message: "invalid bill_date" },
};

const NOT_EXECUTED: BillFailure = { code: "SYSTEMERROR", message: "SYSTEMERROR" };

/**
 * POST /pay/downloadbill: the file itself, as text or as gzip, without a signature. Failures are
 * XML, unsigned too. Fields of downloadbill (W-57).
 */
export function downloadBill(
  ledger: LedgerTransaction,
  method: string,
  body: Uint8Array,
): WireResponse {
  const call = authenticateBillCall(ledger, method, body);
  if (!call.ok) {
    recordCall(ledger, { path: BILL_PATH, outcome: describe(call) });
    return xmlResponse(failureXml(call.error));
  }
  const fault = takeCallFault(ledger.sql, {
    protocol: "v2",
    call: "downloadbill",
    outTradeNo: null,
    probed: false,
  });
  const executes = fault === null || EXECUTES_CALL[fault.fault];
  const result = executes ? generate(ledger, call.value) : err(NOT_EXECUTED);
  const suffix = fault === null ? "" : ` (fault: ${fault.fault})`;
  recordCall(ledger, {
    path: BILL_PATH,
    outcome: (executes ? describe(result) : "not done") + suffix,
  });
  return applyFault(fault, result);
}

/** Authenticates a call and checks its parameters. */
function authenticateBillCall(
  { sql }: LedgerTransaction,
  method: string,
  body: Uint8Array,
): Result<AuthenticatedCall, BillFailure> {
  const call = authenticate(sql, method, body);
  if (!call.ok) return err(invalidRequest(call.error));
  const { merchant, params } = call.value;
  const failure = checkFields(BILL_FIELDS, params);
  if (failure !== null) return err(invalidRequest(failure));
  return merchant.appIds.includes(params.get("appid") ?? "")
    ? call
    : err({ code: INVALID_REQUEST, message: "appid and mch_id not match" });
}

function generate(
  ledger: LedgerTransaction,
  { merchant, params }: AuthenticatedCall,
): Result<GeneratedBill, BillFailure> {
  const day = parseBillDay(params.get("bill_date") ?? "");
  const type = BILL_TYPES.find((it) => it === (params.get("bill_type") ?? "ALL"));
  if (day === null || type === undefined) throw new Error("a checked field is invalid");
  const gzip = params.has("tar_type");
  const bill = generateBill(ledger, merchant, { protocol: "v2", day, type, gzip });
  return bill.ok ? ok(bill.value) : err(ERROR_CODES[bill.error]);
}

/** Renders a result, altered by a fault of the call, if any. */
function applyFault(
  fault: AppliedCallFault | null,
  result: Result<GeneratedBill, BillFailure>,
): WireResponse {
  const replaced = fault === null ? null : transportFault(fault, BILL_FILE_START);
  if (replaced !== null) return replaced;
  if (fault !== null && returnsErrorCode(fault.fault)) {
    const code = fault.errCode ?? "SYSTEMERROR";
    return xmlResponse(failureXml({ code, message: fault.errCodeDes ?? code }));
  }
  const delayMs = fault === null ? 0 : delayOf(fault);
  return result.ok
    ? billFileResponse(result.value, delayMs)
    : xmlResponse(failureXml(result.error), delayMs);
}

/** The failure of an invalid request, in the few texts that this call has. */
function invalidRequest(failure: Failure): BillFailure {
  const message = INVALID_REQUEST_MESSAGES[failure.code] ?? "data format error";
  return {
    code: INVALID_REQUEST,
    message: failure.message === "invalid bill_type" ? failure.message : message,
  };
}

const INVALID_REQUEST_MESSAGES: Readonly<Record<string, string>> = {
  SIGNERROR: "SIGN ERROR",
  LACK_PARAMS: "missing parameter",
  POST_DATA_EMPTY: "missing parameter",
};

function failureXml({ code, message }: BillFailure): string {
  return writeXml([
    ["return_code", "FAIL"],
    ["return_msg", message],
    ["error_code", code],
  ]);
}

function describe(result: Result<unknown, BillFailure>): string {
  return result.ok ? "SUCCESS" : `FAIL ${result.error.code}: ${result.error.message}`;
}
