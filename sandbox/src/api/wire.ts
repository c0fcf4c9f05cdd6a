import { impossible } from "../exhaustive.ts";
import type { CallFault, Fault } from "../ledger/faults.ts";
import { refused, writeAnswer, type Answer } from "../protocol/answers.ts";
import type { ApiRequest } from "./request.ts";

/** What goes back over the wire: an answer, or what a fault makes of it. */
export type WireAnswer =
  | { effect: "xml"; xml: string; delayMs: number }
  | { effect: "hang"; delayMs: number }
  | { effect: "drop" }
  | { effect: "http-500" }
  | { effect: "html-page" };

// Longer than any sensible client waits.
const HANG_MS = 60_000;
const SLOW_MS = 3000;

const WRONG_KEY = "-not-the-key-of-any-merchant----";

/** Whether a call is done before it goes wrong. */
export const ACTS: Readonly<Record<CallFault, boolean>> = {
  "no-answer": false,
  "no-answer-after": true,
  "drop-before": false,
  "drop-after": true,
  "http-500": false,
  "http-500-after": true,
  systemerror: false,
  "systemerror-after": true,
  "wrong-signature": true,
  "html-page": false,
  slow: true,
  refuse: false,
};

/** An answer without a fault, or one whose text needs no key. */
export function answered(xml: string, delayMs = 0): WireAnswer {
  return { effect: "xml", xml, delayMs };
}

/** The answer in XML, signed with the request's sign type. */
export function sealed(answer: Answer, request: ApiRequest, key?: string): string {
  return writeAnswer(answer, {
    appId: request.params.get("appid") ?? "",
    mchId: request.merchant.mchId,
    apiKey: key ?? request.merchant.apiKey,
    signType: request.signType,
  });
}

/** What a fault makes of an answer. */
export function struck(
  { fault, errCode, errCodeDes, delayMs }: Extract<Fault, { on: "call" }>,
  answer: Answer,
  request: ApiRequest,
): WireAnswer {
  switch (fault) {
    case "no-answer":
    case "no-answer-after":
      return { effect: "hang", delayMs: delayMs ?? HANG_MS };
    case "drop-before":
    case "drop-after":
      return { effect: "drop" };
    case "http-500":
    case "http-500-after":
      return { effect: "http-500" };
    case "html-page":
      return { effect: "html-page" };
    case "systemerror":
    case "systemerror-after":
    case "refuse": {
      const code = errCode ?? "SYSTEMERROR";
      const message = errCodeDes ?? (code === "SYSTEMERROR" ? "系统错误" : code);
      return answered(sealed(refused(code, message), request));
    }
    case "wrong-signature":
      return answered(sealed(answer, request, WRONG_KEY));
    case "slow":
      return answered(sealed(answer, request), delayMs ?? SLOW_MS);
  }
  return impossible(fault);
}
