import { impossible } from "../exhaustive.ts";
import { newNonce } from "../protocol/ids.ts";
import { sign, type SignType } from "./sign.ts";
import { writeXml } from "./xml.ts";

/**
 * What an API call comes to.
 * - `done`: return_code and result_code SUCCESS, signed.
 * - `refused`: result_code FAIL with an err_code, signed.
 * - `rejected`: return_code FAIL. It carries a text and nothing else, no sign: `code` is what the
 *   sandbox's own records call it and is not sent.
 */
export type Answer = { kind: "done"; fields: [string, string][] } | Refusal;

/** An answer that says no: signed or not, with a code and a text. */
export type Refusal = { kind: "refused"; code: string; message: string } | Rejection;

export interface Rejection {
  kind: "rejected";
  code: string;
  message: string;
}

/** Who answers: the values that every signed answer holds, and the key it is signed with. */
export interface Signer {
  appId: string;
  mchId: string;
  apiKey: string;
  signType: SignType;
}

export function done(fields: [string, string][]): Answer {
  return { kind: "done", fields };
}

export function refused(code: string, message: string): Refusal {
  return { kind: "refused", code, message };
}

export function rejected(code: string, message: string): Rejection {
  return { kind: "rejected", code, message };
}

/** The answer as WeChat Pay writes it. */
export function writeAnswer(answer: Answer, signer: Signer): string {
  switch (answer.kind) {
    case "rejected":
      return writeRejection(answer);
    case "refused":
      return writeSigned(signer, "FAIL", [
        ["err_code", answer.code],
        ["err_code_des", answer.message],
      ]);
    case "done":
      return writeSigned(signer, "SUCCESS", answer.fields);
  }
  return impossible(answer);
}

/** A return_code=FAIL: a reason, no sign, nothing else. */
export function writeRejection({ message }: Rejection): string {
  return writeXml([
    ["return_code", "FAIL"],
    ["return_msg", message],
  ]);
}

function writeSigned(signer: Signer, resultCode: string, fields: [string, string][]): string {
  const all: [string, string][] = [
    ["return_code", "SUCCESS"],
    ["return_msg", "OK"],
    ["result_code", resultCode],
    ["appid", signer.appId],
    ["mch_id", signer.mchId],
    ["nonce_str", newNonce()],
    ...fields,
  ];
  return writeXml([...all, ["sign", sign(all, signer.apiKey, signer.signType)]]);
}
