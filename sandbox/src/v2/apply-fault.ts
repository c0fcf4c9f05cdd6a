import {
  returnsErrorCode,
  WRONG_APP,
  WRONG_MERCHANT,
  type CallFault,
} from "../ledger/fault-names.ts";
import type { AppliedCallFault } from "../ledger/faults.ts";
import type { WireResponse } from "../wire/response.ts";
import { delayOf, transportFault } from "../wire/transport-faults.ts";
import type { AuthenticatedCall } from "./call.ts";
import {
  businessFailure,
  responseXml,
  XML_HEADERS,
  xmlResponse,
  type ApiResponse,
  type Signer,
} from "./response.ts";
import { readXml, writeXml, type Field } from "./xml.ts";

const START = { headers: XML_HEADERS, beginning: "<xml>\n<return_code><![CDATA[SUC" };
const WRONG_KEY = "-not-the-key-of-any-merchant----";
const WRONG_SIGNERS: Readonly<Partial<Record<CallFault, Partial<Signer>>>> = {
  "wrong-signature": { apiKey: WRONG_KEY },
  "wrong-merchant": { mchId: WRONG_MERCHANT },
  "wrong-app": { appId: WRONG_APP },
};
const AMOUNTS = /^(total_fee|cash_fee|refund_fee|cash_refund_fee|refund_fee_\d+)$/;

/** Renders a response altered by a fault. Faults that exist in APIv3 only never get here. */
export function applyFault(
  fault: AppliedCallFault,
  response: ApiResponse,
  call: AuthenticatedCall,
): WireResponse {
  return (
    transportFault(fault, START) ?? xmlResponse(faultyXml(fault, response, call), delayOf(fault))
  );
}

function faultyXml(
  { fault, errCode, errCodeDes }: AppliedCallFault,
  response: ApiResponse,
  call: AuthenticatedCall,
): string {
  if (returnsErrorCode(fault)) {
    const code = errCode ?? "SYSTEMERROR";
    const message = errCodeDes ?? (code === "SYSTEMERROR" ? "系统错误" : code);
    return responseXml(businessFailure(code, message), call);
  }
  if (fault === "unsigned") return withoutSign(responseXml(response, call));
  const altered = fault === "wrong-amount" ? withWrongAmounts(response) : response;
  return responseXml(altered, call, WRONG_SIGNERS[fault]);
}

/** The response with every amount one fen higher. */
function withWrongAmounts(response: ApiResponse): ApiResponse {
  if (response.kind !== "success") return response;
  const fields = response.fields.map(([name, value]): Field =>
    AMOUNTS.test(name) ? [name, String(Number(value) + 1)] : [name, value],
  );
  return { ...response, fields };
}

function withoutSign(xml: string): string {
  const document = readXml(xml);
  if (!document.ok) throw new Error(`the sandbox can't read its own XML: ${document.error}`);
  return writeXml([...document.value.fields].filter(([name]) => name !== "sign"));
}
