import { answersACode, type CallFault } from "../ledger/fault-names.ts";
import type { StruckCall } from "../ledger/faults.ts";
import { OTHER_APP, OTHER_MERCHANT } from "../ledger/wrong.ts";
import type { WireAnswer } from "../wire/answer.ts";
import { brokenLine, slowness } from "../wire/faults.ts";
import { refused, writeAnswer, type Answer, type Signer } from "./answers.ts";
import type { ApiRequest } from "./request.ts";
import { readXml, writeXml } from "./xml.ts";

const HEADERS = { "content-type": "text/xml; charset=utf-8" };
const BEGINNING = "<xml>\n<return_code><![CDATA[SUC";
const WRONG_KEY = "-not-the-key-of-any-merchant----";
const WRONG_SEALS: Readonly<Partial<Record<CallFault, Partial<Signer>>>> = {
  "wrong-signature": { apiKey: WRONG_KEY },
  "wrong-merchant": { mchId: OTHER_MERCHANT },
  "wrong-app": { appId: OTHER_APP },
};
const AMOUNTS = /^(total_fee|cash_fee|refund_fee|cash_refund_fee|refund_fee_\d+)$/;

/** An answer without a fault, or one whose text needs no key. */
export function answered(xml: string, delayMs = 0): WireAnswer {
  return { effect: "reply", status: 200, headers: HEADERS, body: xml, delayMs };
}

/** The answer in XML, signed with the request's sign type. */
export function sealed(
  answer: Answer,
  { params, merchant, signType }: ApiRequest,
  changes: Partial<Signer> = {},
): string {
  return writeAnswer(answer, {
    appId: params.get("appid") ?? "",
    mchId: merchant.mchId,
    apiKey: merchant.apiKey,
    signType,
    ...changes,
  });
}

/** What a fault makes of an answer. Faults that APIv3 alone has never get here. */
export function struck(fault: StruckCall, answer: Answer, request: ApiRequest): WireAnswer {
  const broken = brokenLine(fault, { headers: HEADERS, beginning: BEGINNING });
  return broken ?? answered(text(fault, answer, request), slowness(fault));
}

function text(
  { fault, errCode, errCodeDes }: StruckCall,
  answer: Answer,
  request: ApiRequest,
): string {
  if (answersACode(fault)) {
    const code = errCode ?? "SYSTEMERROR";
    const message = errCodeDes ?? (code === "SYSTEMERROR" ? "系统错误" : code);
    return sealed(refused(code, message), request);
  }
  if (fault === "unsigned") return withoutSign(sealed(answer, request));
  const told = fault === "wrong-amount" ? withWrongAmount(answer) : answer;
  return sealed(told, request, WRONG_SEALS[fault]);
}

/** The answer with every amount one fen higher. */
function withWrongAmount(answer: Answer): Answer {
  if (answer.kind !== "done") return answer;
  const fields = answer.fields.map(([name, value]): [string, string] =>
    AMOUNTS.test(name) ? [name, String(Number(value) + 1)] : [name, value],
  );
  return { ...answer, fields };
}

function withoutSign(xml: string): string {
  const reading = readXml(xml);
  if (!reading.ok) throw new Error(`the sandbox wrote what it can't read: ${reading.reason}`);
  return writeXml([...reading.fields].filter(([name]) => name !== "sign"));
}
