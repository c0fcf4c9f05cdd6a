import { returnsErrorCode, tamperingOf } from "../ledger/fault-names.ts";
import type { AppliedCallFault } from "../ledger/faults.ts";
import { newRequestId } from "../protocol/ids.ts";
import type { SandboxKey } from "../sandbox-keys.ts";
import { BILL_FILE_START, billFileResponse } from "../wire/bill-file.ts";
import type { WireResponse } from "../wire/response.ts";
import { delayOf, transportFault } from "../wire/transport-faults.ts";
import { apiError, type ApiError, type ApiResponse } from "./response.ts";
import { signBody } from "./signed-message.ts";
import { withWrongValues } from "./wrong-values.ts";

const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };
const BEGINNING = '{"prepay_id":"wx';

/** Renders an error: with a number for WeChat's support, and without a signature. */
export function errorResponse(error: ApiError, delayMs = 0): WireResponse {
  const { status, code, message, detail, number } = error;
  return {
    effect: "respond",
    status,
    headers: { ...JSON_TYPE, "Request-ID": newRequestId(number) },
    body: JSON.stringify({ code, message, ...(detail === undefined ? {} : { detail }) }),
    delayMs,
  };
}

/**
 * Renders a response, altered by a fault, if any. Every 2xx is signed, 204 too, except the file of a
 * bill.
 */
export function applyFault(
  fault: AppliedCallFault | null,
  response: ApiResponse,
  key: SandboxKey,
  now: number,
): WireResponse {
  const headers = { ...JSON_TYPE, "Request-ID": newRequestId(0) };
  if (fault !== null) {
    const start = fault.path === "billfile" ? BILL_FILE_START : { headers, beginning: BEGINNING };
    const replaced = transportFault(fault, start);
    if (replaced !== null) return replaced;
  }
  const delayMs = fault === null ? 0 : delayOf(fault);
  const requestedError = fault === null ? null : errorOfFault(fault);
  if (requestedError !== null) return errorResponse(requestedError, delayMs);
  const tampering = tamperingOf(fault?.fault ?? null, fault?.header);
  switch (response.kind) {
    case "error":
      return errorResponse(response, delayMs);
    case "bill":
      return billFileResponse(response.bill, delayMs);
    case "no-content": {
      const signed = signBody("", key, now, tampering);
      return {
        effect: "respond",
        status: 204,
        headers: { "Request-ID": newRequestId(0), ...signed.headers },
        body: null,
        delayMs,
      };
    }
    case "success": {
      const json = JSON.stringify(withWrongValues(response.resource, fault?.fault ?? null));
      const signed = signBody(json, key, now, tampering);
      return {
        effect: "respond",
        status: 200,
        headers: { ...headers, ...signed.headers },
        body: signed.body,
        delayMs,
      };
    }
  }
}

/** The error that a fault replaces a response with; null for other faults. */
function errorOfFault(applied: AppliedCallFault): ApiError | null {
  const { fault, errCode = "SYSTEM_ERROR", errCodeDes, httpStatus } = applied;
  if (!returnsErrorCode(fault)) return null;
  const message = errCodeDes ?? (errCode === "SYSTEM_ERROR" ? "系统错误" : errCode);
  const status = httpStatus === undefined ? {} : { status: httpStatus };
  return apiError(errCode, message, status, fault === "refuse" ? 400 : 500);
}
