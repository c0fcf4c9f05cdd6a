import { connectWechat } from "../../../../src/wechat/client.ts";
import type { V3Client } from "../../../../src/wechat/v3/request.ts";
import type {
  V3Merchant,
  VerifyKey,
  VerifyKeyLookup,
  WechatEnv,
  WechatPay,
} from "../../../../src/wechat/types.ts";
import { merchant } from "./fixtures.ts";
import { signedHeaders, type Signing } from "./messages.ts";

export type Answer = () => Promise<Response>;

export interface SentRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  /** "" for none. */
  readonly body: string;
}

export interface Stub {
  readonly wechat: WechatPay;
  readonly client: V3Client;
  readonly sent: SentRequest[];
  /** Key ids that were looked up beyond the merchant's settings. */
  readonly lookedUp: string[];
}

interface Options {
  readonly v3?: Partial<V3Merchant["v3"]>;
  readonly baseUrl?: string;
  /** A key that was added after the settings were read. */
  readonly lateKey?: VerifyKey;
}

/** A client whose n-th request gets the n-th answer; one request too many is a test's mistake. */
export function stubV3(answers: readonly Answer[], options: Options = {}): Stub {
  const sent: SentRequest[] = [];
  const lookedUp: string[] = [];
  const wechatEnv: WechatEnv = {
    fetch: async (url, { method = "", headers, body }) => {
      const text = typeof body === "string" ? body : "";
      sent.push({ method, url, headers: new Headers(headers), body: text });
      const answer = answers[sent.length - 1];
      return answer === undefined
        ? new Response("no answer left", { status: 599 })
        : await answer();
    },
    fetchWithCertificate: () => undefined,
    baseUrl: options.baseUrl ?? "https://wechat.test",
    spareUrl: "https://spare.test",
  };
  const findVerifyKey: VerifyKeyLookup = async (_merchantId, keyId) => {
    lookedUp.push(keyId);
    return options.lateKey?.id === keyId ? options.lateKey : null;
  };
  const { id, mchId } = merchant;
  const v3 = { ...merchant.v3, ...options.v3 };
  return {
    wechat: connectWechat(
      { id, mchId, protocol: "v3", v2: null, v3, refundFunds: "unsettled" },
      "v3",
      wechatEnv,
      findVerifyKey,
    ),
    client: { merchant: { id, mchId, v3 }, env: wechatEnv, findVerifyKey },
    sent,
    lookedUp,
  };
}

/** A 200 with this body and a valid signature. */
export function signed(body: object | string, signing: Signing = {}): Answer {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return async () => new Response(text, { headers: signedHeaders(text, signing) });
}

/** A 204 with a valid signature. */
export function noContent(signing: Signing = {}): Answer {
  return async () => new Response(null, { status: 204, headers: signedHeaders("", signing) });
}

/** An answer, unsigned unless `headers` has a signature. */
export function raw(
  body: string | Uint8Array<ArrayBuffer> | null,
  status: number,
  headers: Record<string, string> = {},
): Answer {
  return async () => new Response(body, { status, headers });
}

/** An error response of WeChat's. */
export function refusal(
  status: number,
  code: string,
  message = "微信说不",
  requestId = "",
): Answer {
  const headers = requestId === "" ? {} : { "Request-ID": requestId };
  return raw(JSON.stringify({ code, message }), status, headers);
}

/** A signature probe: everything but the signature is valid. */
export function probe(body: object): Answer {
  const text = JSON.stringify(body);
  const headers = { ...signedHeaders(text), "Wechatpay-Signature": "WECHATPAY/SIGNTEST/x" };
  return raw(text, 200, headers);
}

/** A connection that fails. */
export function unreachable(): Answer {
  return async () => {
    throw new TypeError("connection refused");
  };
}
