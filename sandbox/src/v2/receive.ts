import { recordCall } from "../ledger/calls.ts";
import type { CommonCall } from "../ledger/fault-names.ts";
import { takeCallFault } from "../ledger/faults.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import type { WireResponse } from "../wire/response.ts";
import { EXECUTES_CALL } from "../wire/transport-faults.ts";
import { applyFault } from "./apply-fault.ts";
import { authenticate } from "./authenticate.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { checkRequest, numbersOf } from "./request.ts";
import {
  businessFailure,
  communicationFailureXml,
  describeResponse,
  responseXml,
  xmlResponse,
} from "./response.ts";

/** A call as received. */
export interface IncomingCall {
  readonly call: CommonCall;
  readonly method: string;
  readonly body: Uint8Array;
}

const NOT_EXECUTED = businessFailure("SYSTEMERROR", "系统错误");

/** Responds to one of the five common calls. Faults apply to valid calls only. */
export function receiveV2(
  ledger: LedgerTransaction,
  { call: name, method, body }: IncomingCall,
): WireResponse {
  const { path, fields, execute } = ENDPOINTS[name];
  const authenticated = authenticate(ledger.sql, method, body);
  if (!authenticated.ok) {
    recordCall(ledger, { path, outcome: describeResponse(authenticated.error) });
    return xmlResponse(communicationFailureXml(authenticated.error));
  }
  const call = authenticated.value;
  const numbers = numbersOf(ledger, call);
  const failure = checkRequest(call, fields);
  if (failure !== null) {
    recordCall(ledger, { path, ...numbers, outcome: describeResponse(failure) });
    return xmlResponse(responseXml(failure, call));
  }
  const fault = takeCallFault(ledger.sql, {
    protocol: "v2",
    call: name,
    outTradeNo: numbers.outTradeNo ?? null,
    probed: false,
  });
  if (fault === null) {
    const response = execute(ledger, call);
    recordCall(ledger, { path, ...numbers, outcome: describeResponse(response) });
    return xmlResponse(responseXml(response, call));
  }
  const executes = EXECUTES_CALL[fault.fault];
  const response = executes ? execute(ledger, call) : NOT_EXECUTED;
  const outcome = `${executes ? describeResponse(response) : "not done"} (fault: ${fault.fault})`;
  recordCall(ledger, { path, ...numbers, outcome });
  return applyFault(fault, response, call);
}
