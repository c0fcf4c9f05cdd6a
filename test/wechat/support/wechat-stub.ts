import { connectWechat } from "../../../src/wechat/client.ts";
import { readXml } from "../../../src/wechat/v2/xml.ts";
import type { WechatEnv, V2Merchant, WechatPay } from "../../../src/wechat/types.ts";
import { merchant } from "./fixtures.ts";
import { signedXml, type Fields } from "./messages.ts";

type Answer = () => Promise<Response>;

export interface SentRequest {
  readonly url: string;
  readonly init: RequestInit;
  readonly fields: ReadonlyMap<string, string>;
  /** The mTLS binding that the request went through. */
  readonly certificate: string | null;
}

export interface Stub {
  readonly wechat: WechatPay;
  readonly sent: SentRequest[];
}

/** A client whose n-th request gets the n-th answer; one request too many is a test's mistake. */
export function stubWechat(
  answers: readonly Answer[],
  options: { readonly merchant?: Partial<V2Merchant>; readonly bindings?: readonly string[] } = {},
): Stub {
  const sent: SentRequest[] = [];
  const fetchAs =
    (certificate: string | null): WechatEnv["fetch"] =>
    async (url, init) => {
      const read = readXml(typeof init.body === "string" ? init.body : "");
      if (!read.ok) throw new Error(`the client wrote unreadable XML: ${read.error}`);
      sent.push({ url, init, fields: read.value, certificate });
      const answer = answers[sent.length - 1];
      if (answer === undefined) return new Response("no answer left", { status: 599 });
      return await answer();
    };
  const wechatEnv: WechatEnv = {
    fetch: fetchAs(null),
    fetchWithCertificate: (name) =>
      options.bindings?.includes(name) === true ? fetchAs(name) : undefined,
    baseUrl: "https://wechat.test",
    spareUrl: "https://spare.test",
  };
  const { mchId, ...v2 } = { ...merchant, ...options.merchant };
  const wechat = connectWechat(
    { id: 1, mchId, protocol: "v2", v2, v3: null, refundFunds: "unsettled" },
    "v2",
    wechatEnv,
    async () => null,
  );
  return { wechat, sent };
}

/** An answer with this body. */
export function body(text: BodyInit, status = 200): Answer {
  return async () => new Response(text, { status });
}

/** An answer with a valid signature for the fixtures' order. */
export function signed(fields: Fields): Answer {
  return async () => new Response(await signedXml(fields));
}

/** A connection that fails. */
export function unreachable(): Answer {
  return async () => {
    throw new TypeError("connection refused");
  };
}
