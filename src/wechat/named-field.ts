import type { AppParameter, Refused } from "./types.ts";

/** How WeChat names a value of a request, in either protocol. */
interface FieldNames {
  readonly parameter: AppParameter;
  /** Names of fields, and the words of WeChat's documents for them. They say enough in any text. */
  readonly names: readonly string[];
  /** Common words too: they name the field only as the end of a path (`/body/amount/total`). */
  readonly pathEnds: readonly string[];
}

/** The app's values in a prepay request. `appid and openid not match` blames the payer: it is first. */
export const PREPAY_FIELDS: readonly FieldNames[] = [
  {
    parameter: "openId",
    names: ["openid", "open_id", "sub_openid", "sp_openid", "用户标识", "支付者"],
    pathEnds: ["payer"],
  },
  { parameter: "desc", names: ["body", "商品描述"], pathEnds: ["description"] },
  {
    parameter: "totalFree",
    names: ["total_fee", "标价金额", "总金额", "订单金额"],
    pathEnds: ["total", "amount"],
  },
  { parameter: "tag", names: ["goods_tag", "订单优惠标记"], pathEnds: [] },
  { parameter: "attach", names: ["attach", "附加数据"], pathEnds: [] },
  {
    parameter: "clientIp",
    names: ["spbill_create_ip", "payer_client_ip", "终端ip"],
    pathEnds: ["scene_info"],
  },
];

/**
 * The app's value in a refund request. The order's total comes from the record. A text about the
 * 退款金额 may be about what is left to refund, which no parameter is wrong about.
 */
export const REFUND_FIELDS: readonly FieldNames[] = [
  { parameter: "refundFree", names: ["refund_fee"], pathEnds: ["refund"] },
];

/** Codes of faults in a request's values, and of texts without a code; no underscores. */
const CODES_OF_VALUES = new Set([
  "FAIL",
  "UNSENDABLE",
  "PARAMERROR",
  "INVALIDREQUEST",
  "LACKPARAMS",
  "OPENIDMISMATCH",
]);
const SIGNATURE = /签名|证书|certificate|(?<!\w)sign(?:ature)?(?!\w)/i;
const SETTINGS = /(?<!\w)(?:appid|mch_?id)(?!\w)|商户号|权限/i;
/** Values that the gateway chooses, and fields that WeChat doesn't know. */
const OUR_OWN =
  /(?<!\w)(?:notify_url|out_(?:trade|refund)_no|nonce_str|sign_type|trade_type|fee_type|currency|time_(?:start|expire)|transaction_id)(?!\w)|商户(?:订单|退款单)号|(?:通知|回调)地址|不识别|未在API文档中定义/i;
/** A path in quotes, as WeChat's newer texts name a field: 输入源“/body/xml/openid”. */
const PATH = /[“"'](?:\/[\w.-]+)*\/([\w.-]+)[”"']/;

/**
 * Attributes a refusal to the field that its text names (W-03): a value of the app's is the app's
 * fault, with the parameter's name; any other value is the operator's or ours, since the app can't mend
 * it. A text that names nothing leaves the refusal as it is; so does a code that says by itself whose
 * fault it is.
 *
 * @param fields the app's values in the call
 * @param path where APIv3 says that the fault is (`/payer/openid`); null when it doesn't
 */
export function blameNamedField<Answer extends { readonly kind: string }>(
  answer: Answer | Refused,
  fields: readonly FieldNames[],
  path: string | null = null,
): Answer | Refused {
  if (!isRefused(answer) || !CODES_OF_VALUES.has(answer.code.replaceAll("_", ""))) return answer;
  const text = answer.message;
  const pathEnd = path?.split("/").at(-1) ?? PATH.exec(text)?.[1] ?? null;
  const parameter = pathEnd === null ? namedIn(text, fields) : namedAt(pathEnd, fields);
  if (parameter !== null) return { ...answer, blame: "request", parameter };
  const named = pathEnd ?? text;
  if (SIGNATURE.test(named) || SETTINGS.test(named)) return { ...answer, blame: "merchant" };
  return pathEnd !== null || OUR_OWN.test(text) ? { ...answer, blame: "gateway" } : answer;
}

function isRefused(answer: { readonly kind: string }): answer is Refused {
  return answer.kind === "refused";
}

function namedAt(pathEnd: string, fields: readonly FieldNames[]): AppParameter | null {
  const name = pathEnd.toLowerCase();
  return (
    fields.find(({ names, pathEnds }) => names.includes(name) || pathEnds.includes(name))
      ?.parameter ?? null
  );
}

/** A text about the signature may quote any field. */
function namedIn(text: string, fields: readonly FieldNames[]): AppParameter | null {
  if (SIGNATURE.test(text)) return null;
  const lower = text.toLowerCase();
  return fields.find(({ names }) => names.some((name) => isNamed(lower, name)))?.parameter ?? null;
}

/** Whether `name` stands as a word of its own. A request's body isn't the field `body`. */
function isNamed(text: string, name: string): boolean {
  const before = name === "body" ? "(?<!(?:request|http|post|xml|请求|报文|消息)\\s*)" : "";
  return new RegExp(`${before}(?<![a-z0-9_])${name}(?![a-z0-9_])`).test(text);
}
