import { impossible } from "../exhaustive.ts";
import { answersACode, treatmentOf } from "../ledger/fault-names.ts";
import type { StruckCall } from "../ledger/faults.ts";
import { newRequestId } from "../protocol/ids.ts";
import type { SandboxKey } from "../sandbox-keys.ts";
import type { WireAnswer } from "../wire/answer.ts";
import { BILL_LINE, billFile } from "../wire/bill.ts";
import { brokenLine, slowness } from "../wire/faults.ts";
import { problem, type Answer, type Problem } from "./answers.ts";
import { sealed } from "./seal.ts";
import { withWrongFacts } from "./wrong-facts.ts";

const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };
const BEGINNING = '{"prepay_id":"wx';

/** A problem as it goes out: with a number for support, and without a signature. */
export function problemReply(it: Problem, delayMs = 0): WireAnswer {
  const { status, code, message, detail, number } = it;
  return {
    effect: "reply",
    status,
    headers: { ...JSON_TYPE, "Request-ID": newRequestId(number) },
    body: JSON.stringify({ code, message, ...(detail === undefined ? {} : { detail }) }),
    delayMs,
  };
}

/**
 * What goes out for an answer, with what a fault makes of it. All 2xx are signed, 204 too, but for
 * the file of a bill.
 */
export function reply(
  answer: Answer,
  key: SandboxKey,
  now: number,
  fault?: StruckCall,
): WireAnswer {
  const line = { headers: { ...JSON_TYPE, "Request-ID": newRequestId(0) }, beginning: BEGINNING };
  const broken = fault && brokenLine(fault, fault.path === "billfile" ? BILL_LINE : line);
  if (broken !== undefined) return broken;
  const delayMs = fault === undefined ? 0 : slowness(fault);
  const asked = fault && problemAskedFor(fault);
  if (asked !== undefined) return problemReply(asked, delayMs);
  const treatment = treatmentOf(fault?.fault, fault?.header);
  switch (answer.kind) {
    case "problem":
      return problemReply(answer, delayMs);
    case "bill":
      return billFile(answer.bill, delayMs);
    case "empty": {
      const { headers } = sealed("", key, now, treatment);
      const id = { "Request-ID": newRequestId(0) };
      return { effect: "reply", status: 204, headers: { ...id, ...headers }, body: null, delayMs };
    }
    case "done": {
      const json = JSON.stringify(withWrongFacts(answer.resource, fault?.fault));
      const { headers, body } = sealed(json, key, now, treatment);
      return {
        effect: "reply",
        status: 200,
        headers: { ...line.headers, ...headers },
        body,
        delayMs,
      };
    }
  }
  return impossible(answer);
}

/** The problem that a fault puts in the place of an answer; undefined when it is another fault. */
function problemAskedFor(struck: StruckCall): Problem | undefined {
  const { fault, errCode = "SYSTEM_ERROR", errCodeDes, httpStatus } = struck;
  if (!answersACode(fault)) return undefined;
  const message = errCodeDes ?? (errCode === "SYSTEM_ERROR" ? "系统错误" : errCode);
  const status = httpStatus === undefined ? {} : { status: httpStatus };
  return problem(errCode, message, status, fault === "refuse" ? 400 : 500);
}
