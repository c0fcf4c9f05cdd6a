import type { Books } from "../ledger/books.ts";
import { findMerchant, type Merchant } from "../ledger/merchants.ts";
import { utf8 } from "../protocol/text.ts";
import type { SandboxKey } from "../sandbox-keys.ts";
import { problem, type Problem } from "./answers.ts";
import { readAuthorization, type Authorization } from "./authorization.ts";
import { keyForReply } from "./choose-key.ts";
import { headerProblem, type Headers3 } from "./headers.ts";
import { requestMessage, signatureMatches } from "./signature.ts";

/** A call as it came over the wire. */
export interface IncomingCall {
  method: string;
  /** The sandbox's address as the caller knows it. */
  origin: string;
  /** The path and query exactly as sent, which is what is signed. */
  target: string;
  headers: Headers3;
  body: Uint8Array;
}

/** A call whose sender is proven. */
export interface ApiRequest {
  merchant: Merchant;
  /** Of the merchant's key that signed it. */
  serialNo: string;
  body: string;
  /** What the reply is to be signed with. */
  replyKey: SandboxKey;
}

export type Admission = { ok: true; request: ApiRequest } | { ok: false; problem: Problem };

const BODY_LIMIT_BYTES = 64 * 1024;
const CLOCK_LIMIT_MS = 5 * 60 * 1000;

/** Proves who sent a call. Each step asks less of the caller than the next one. */
export function admit(books: Books, { method, target, headers, body }: IncomingCall): Admission {
  const wrongHeader = headerProblem(headers, body.byteLength > 0);
  if (wrongHeader !== undefined) return no(wrongHeader);
  const text = body.byteLength > BODY_LIMIT_BYTES ? undefined : utf8(body);
  if (text === undefined) return no(problem("PARAM_ERROR", "请求体过大或不是UTF-8"));
  if (method === "GET" && text !== "") return no(problem("PARAM_ERROR", "GET请求不能有请求体"));

  const reading = readAuthorization(headers.authorization);
  if (!reading.ok) return no(unsigned("Authorization不合法", reading.issue));
  const { authorization } = reading;
  // Before the signature: a wrong clock is to be told apart from a wrong key.
  if (Math.abs(books.now - Number(authorization.timestamp) * 1000) > CLOCK_LIMIT_MS) {
    return no(
      unsigned("Authorization中的时间戳与当前时间相差超过5分钟", "timestamp is too far off"),
    );
  }
  const merchant = findMerchant(books.sql, authorization.mchid);
  if (merchant === undefined) return no(problem("MCH_NOT_EXISTS", "商户号不存在"));
  const serial = authorization.serial_no.toUpperCase();
  const key = merchant.keys.find(({ serialNo }) => serialNo === serial);
  if (key === undefined)
    return no(unsigned("商户证书序列号有误", "serial_no is not the merchant's"));
  const message = requestMessage({
    method,
    target,
    timestamp: authorization.timestamp,
    nonce: authorization.nonce_str,
    body: text,
  });
  if (!signatureMatches(authorization.signature, message, key.publicKey)) {
    return no(wrongSignature(authorization, method, target, message));
  }

  const named = headers["wechatpay-serial"];
  const replyKey = keyForReply(merchant, named);
  if (replyKey === undefined) return no(unknownReplyKey(named));
  return { ok: true, request: { merchant, serialNo: key.serialNo, body: text, replyKey } };
}

/** What to show a developer whose signature is wrong: what the sandbox would have signed. */
function wrongSignature(
  { mchid, serial_no: serialNo }: Authorization,
  method: string,
  target: string,
  message: string,
): Problem {
  return problem("SIGN_ERROR", "签名错误，请检查后再试", {
    detail: {
      field: "signature",
      issue: "sign not match",
      location: "authorization",
      sign_information: {
        method,
        url: target,
        mchid,
        serial_no: serialNo,
        sign_message_length: Buffer.byteLength(message, "utf8"),
        truncated_sign_message: message.slice(0, 200),
      },
    },
  });
}

function unsigned(message: string, issue: string): Problem {
  return problem("SIGN_ERROR", message, { detail: { issue, location: "authorization" } });
}

function unknownReplyKey(named: string | undefined): Problem {
  const field = "Wechatpay-Serial";
  return problem("PARAM_ERROR", `${field}不是该商户的平台证书序列号或微信支付公钥ID`, {
    detail: { field, value: named, issue: "not a key of this merchant", location: "header" },
  });
}

function no(why: Problem): Admission {
  return { ok: false, problem: why };
}
