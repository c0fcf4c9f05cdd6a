import { recordCall, recordProbe, takeProbe } from "../ledger/calls.ts";
import { takeCallFault, type AppliedCallFault } from "../ledger/faults.ts";
import { readSettings } from "../ledger/settings.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import type { WireResponse } from "../wire/response.ts";
import { EXECUTES_CALL } from "../wire/transport-faults.ts";
import { applyFault, errorResponse } from "./apply-fault.ts";
import {
  authenticate,
  fingerprintOf,
  type AuthenticatedCall,
  type IncomingCall,
} from "./authenticate.ts";
import { billFile, tradeBill } from "./bill.ts";
import { certificates } from "./certificates.ts";
import { close } from "./close.ts";
import { matchEndpoint, type Endpoint } from "./endpoints.ts";
import { prepay } from "./prepay.ts";
import { queryPayment } from "./query-payment.ts";
import { queryRefund } from "./query-refund.ts";
import { refund } from "./refund.ts";
import {
  checkIdentity,
  numbersOf,
  readRequest,
  type ApiRequest,
  type RequestNumbers,
} from "./request.ts";
import { apiError, describeResponse, type ApiError, type ApiResponse } from "./response.ts";

/** How much of an unknown path appears in the call log. */
const MAX_PATH_LENGTH = 100;

const NOT_EXECUTED = apiError("SYSTEM_ERROR", "系统错误");

/** Responds to an APIv3 call. Faults apply to valid calls only. */
export function receiveV3(ledger: LedgerTransaction, incoming: IncomingCall): WireResponse {
  const match = matchEndpoint(incoming.method, incoming.target);
  if (!match.ok) {
    const path = (incoming.target.split("?")[0] ?? "").slice(0, MAX_PATH_LENGTH);
    return fail(ledger, path, match.error);
  }
  const { endpoint } = match.value;
  const call = authenticate(ledger, incoming);
  if (!call.ok) return fail(ledger, endpoint.path, call.error);
  const request = readRequest(match.value, call.value.body);
  if (!request.ok) return fail(ledger, endpoint.path, request.error);
  const numbers = numbersOf(ledger, call.value.merchant, request.value);
  const identityError = checkIdentity(call.value.merchant, request.value);
  if (identityError !== null) return fail(ledger, endpoint.path, identityError, numbers);
  return respond(ledger, incoming, call.value, endpoint, request.value, numbers);
}

/** Executes a valid call, unless a fault prevents it. */
function respond(
  ledger: LedgerTransaction,
  incoming: IncomingCall,
  call: AuthenticatedCall,
  { call: name, path }: Endpoint,
  request: ApiRequest,
  numbers: RequestNumbers,
): WireResponse {
  const { sql, now } = ledger;
  const fingerprint = fingerprintOf(incoming, call);
  const probed = takeProbe(sql, fingerprint);
  const outTradeNo = numbers.outTradeNo ?? null;
  const armed = takeCallFault(sql, { protocol: "v3", call: name, outTradeNo, probed });
  const fault = armed ?? (probed ? null : randomProbe(sql, name));
  if (fault?.fault === "probe") recordProbe(sql, fingerprint);
  const executes = fault === null || EXECUTES_CALL[fault.fault];
  const response = executes ? execute(ledger, call, request, incoming.origin) : NOT_EXECUTED;
  const outcome = executes ? describeResponse(response) : "not done";
  const suffix = fault === null ? "" : ` (fault: ${fault.fault})`;
  recordCall(ledger, { path, ...numbers, outcome: `${outcome}${suffix}` });
  return applyFault(fault, response, call.responseKey, now);
}

/** A signature probe at random, at the rate `probeRate`. A bill's file is not signed, so never. */
function randomProbe(sql: SqlStorage, path: AppliedCallFault["path"]): AppliedCallFault | null {
  if (path === "billfile") return null;
  return Math.random() < readSettings(sql).probeRate
    ? { on: "call", path, fault: "probe", times: 1 }
    : null;
}

function execute(
  ledger: LedgerTransaction,
  { merchant, serialNo }: AuthenticatedCall,
  request: ApiRequest,
  origin: string,
): ApiResponse {
  const { mchId } = merchant;
  switch (request.kind) {
    case "prepay":
      return prepay(ledger, request.body, serialNo);
    case "query-payment":
      return queryPayment(ledger, mchId, request);
    case "close":
      return close(ledger, mchId, request.outTradeNo);
    case "refund":
      return refund(ledger, mchId, request.body);
    case "query-refund":
      return queryRefund(ledger, mchId, request.outRefundNo);
    case "certificates":
      return certificates(merchant);
    case "bill":
      return tradeBill(ledger, merchant, request, origin);
    case "bill-file":
      return billFile(ledger, merchant, request.token);
  }
}

function fail(
  ledger: LedgerTransaction,
  path: string,
  error: ApiError,
  numbers: RequestNumbers = {},
): WireResponse {
  recordCall(ledger, { path, ...numbers, outcome: describeResponse(error) });
  return errorResponse(error);
}
