import * as z from "zod";
import type { Refusal } from "./refusal.ts";
import type { Result } from "../lib/result.ts";
import {
  AMOUNT_LIMIT,
  APP_NUMBER_LIMIT,
  appNumber,
  BESIDE_OTHER_FAULTS,
  bytes,
  characters,
  integer,
  isAbsent,
  MAX_TOTAL_FEN,
  optional,
  platform,
  readFields,
  required,
  type Limits,
  within,
} from "./fields.ts";
import type { Parameters } from "./parameter-set.ts";
import { MAX_TAG_BYTES, MAX_TEXT_BYTES, wechatTextFault } from "./text.ts";

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

/** Longer URLs don't work in common browsers. In bytes, so that it bounds the work of verifying them. */
const MAX_URL_BYTES = 2048;

export const CREATE_ORDER_LIMITS = {
  platForm: characters(1),
  openId: characters(128),
  desc: bytes(MAX_TEXT_BYTES),
  totalFree: AMOUNT_LIMIT,
  tag: bytes(MAX_TAG_BYTES),
  tradeType: characters("JSAPI".length),
  attach: bytes(MAX_TEXT_BYTES),
  appOrderNo: APP_NUMBER_LIMIT,
  // The longest spelling of an IPv6 address ends in an IPv4 one.
  clientIp: characters(45),
  accessToken: characters(512),
  url: bytes(MAX_URL_BYTES),
} satisfies Limits;

const schema = z
  .object({
    platForm: platform,
    openId: required(within(CREATE_ORDER_LIMITS.openId, wechatTextFault)),
    desc: required(within(CREATE_ORDER_LIMITS.desc, wechatTextFault)),
    totalFree: integer(MAX_TOTAL_FEN, "（单位：分）"),
    tag: required(within(CREATE_ORDER_LIMITS.tag, wechatTextFault)),
    tradeType: required((value) => (value === "JSAPI" ? null : "只能是 JSAPI")),
    attach: optional(within(CREATE_ORDER_LIMITS.attach, wechatTextFault)),
    appOrderNo: appNumber,
    clientIp: optional(addressFault),
    accessToken: optional(CREATE_ORDER_LIMITS.accessToken),
    url: optional(within(CREATE_ORDER_LIMITS.url, urlFault)),
  })
  .superRefine(({ accessToken, url }, context) => {
    if (isAbsent(accessToken) === isAbsent(url)) return;
    const [missing, present] = isAbsent(url) ? ["url", "accessToken"] : ["accessToken", "url"];
    context.addIssue({ code: "custom", path: [missing], message: `必须与 ${present} 一起提供` });
  }, BESIDE_OTHER_FAULTS)
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

/** Contract: create-order. Invalid parameters are a 501; see `readFields`. */
export function parseCreateOrder(parameters: Parameters): Result<CreateOrderInput, Refusal> {
  return readFields(schema, Object.keys(CREATE_ORDER_LIMITS), parameters);
}

function addressFault(value: string): string | null {
  const isAddress =
    CREATE_ORDER_LIMITS.clientIp(value) === null &&
    z.union([z.ipv4(), z.ipv6()]).safeParse(value).success;
  return isAddress ? null : "必须是 IPv4 或 IPv6 地址";
}

/** Checks the page's URL but never normalises it: it is signed exactly as sent. */
function urlFault(value: string): string | null {
  const isPage = /^https?:\/\/\S+$/i.test(value) && URL.canParse(value);
  return isPage ? null : "必须是 http 或 https 网址";
}
