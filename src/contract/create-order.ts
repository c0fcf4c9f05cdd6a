import * as z from "zod";
import type { Refusal } from "./refusal.ts";
import type { Result } from "../lib/result.ts";
import {
  appNumber,
  integer,
  MAX_TOTAL_FEN,
  optional,
  platform,
  readFields,
  required,
  shortText,
} from "./fields.ts";
import type { Parameters } from "./parameter-set.ts";
import {
  byteLimitFault,
  lengthFault,
  MAX_TAG_BYTES,
  MAX_TEXT_BYTES,
  wechatTextFault,
} from "./text.ts";

/** A validated request to create an order. */
export interface CreateOrderInput {
  readonly openId: string;
  readonly desc: string;
  readonly totalFen: number;
  readonly tag: string;
  /** Returned in the callback. */
  readonly attach: string | null;
  /** The app's own order number, unique per app. */
  readonly appOrderNo: string | null;
  /** The payer's IP address; null means the caller's. */
  readonly clientIp: string | null;
  /** For `editAddress`: the payer's OAuth token and the page that opens the address book. */
  readonly addressPage: AddressPage | null;
}

export interface AddressPage {
  readonly accessToken: string;
  readonly url: string;
}

const MAX_ACCESS_TOKEN_LENGTH = 512;
/** Longer URLs don't work in common browsers. */
const MAX_URL_LENGTH = 2048;

const schema = z
  .object({
    platForm: platform,
    openId: required(shortText(128, wechatTextFault)),
    desc: required(wechatText(MAX_TEXT_BYTES)),
    totalFree: integer(MAX_TOTAL_FEN, "（单位：分）"),
    tag: required(wechatText(MAX_TAG_BYTES)),
    tradeType: required((value) => (value === "JSAPI" ? null : "只能是 JSAPI")),
    attach: optional(wechatText(MAX_TEXT_BYTES)),
    appOrderNo: appNumber,
    clientIp: optional(addressFault),
    accessToken: optional((value) => lengthFault(value, MAX_ACCESS_TOKEN_LENGTH)),
    url: optional(shortText(MAX_URL_LENGTH, urlFault)),
  })
  .superRefine(({ accessToken, url }, context) => {
    if ((accessToken === null) === (url === null)) return;
    const [missing, present] = url === null ? ["url", "accessToken"] : ["accessToken", "url"];
    context.addIssue({ code: "custom", path: [missing], message: `必须与 ${present} 一起提供` });
  })
  .transform(({ accessToken, url, ...order }): CreateOrderInput => ({
    openId: order.openId,
    desc: order.desc,
    totalFen: order.totalFree,
    tag: order.tag,
    attach: order.attach,
    appOrderNo: order.appOrderNo,
    clientIp: order.clientIp,
    addressPage: accessToken === null || url === null ? null : { accessToken, url },
  }));

/** Contract: create-order. The first invalid parameter is a 501; see `readFields`. */
export function parseCreateOrder(parameters: Parameters): Result<CreateOrderInput, Refusal> {
  return readFields(schema, parameters);
}

/** A text that WeChat gets, with its limit in bytes of UTF-8 (W-97). */
function wechatText(maxBytes: number) {
  return (value: string) => byteLimitFault(value, maxBytes) ?? wechatTextFault(value);
}

function addressFault(value: string): string | null {
  const isAddress = z.union([z.ipv4(), z.ipv6()]).safeParse(value).success;
  return isAddress ? null : "必须是 IPv4 或 IPv6 地址";
}

/** Checks the page's URL but never normalises it: it is signed exactly as sent. */
function urlFault(value: string): string | null {
  const isPage = /^https?:\/\/\S+$/i.test(value) && URL.canParse(value);
  return isPage ? null : "必须是 http 或 https 网址";
}
