import {
  MAX_CLOCK_SKEW_S,
  MAX_FIELD_LENGTH,
  MAX_LIFETIME_S,
  MAX_SIGNATURE_AGE_S,
  SIGNATURE_TAG,
  type RequiredComponent,
} from "./policy.ts";

/** The header fields that a signed request must have. */
export type SignatureField = "Signature-Input" | "Signature" | "Content-Digest";

/** Parameters of a signature (RFC 9421, 2.3) that the gateway reads. */
export type SignatureParameter = "keyid" | "created" | "expires" | "alg" | "nonce";

/** Why a request's signature is refused. No fault holds a secret or an expected value. */
export type RequestSignatureFault =
  | { readonly kind: "field-missing"; readonly field: SignatureField }
  | { readonly kind: "field-too-long"; readonly field: SignatureField }
  | { readonly kind: "field-malformed"; readonly field: SignatureField }
  /** No signature has the gateway's tag. */
  | { readonly kind: "tag-missing" }
  /** Several signatures have it. */
  | { readonly kind: "tag-repeated" }
  /** `Signature` has no value with the label that `Signature-Input` uses. */
  | { readonly kind: "value-missing" }
  | { readonly kind: "parameter-missing"; readonly parameter: SignatureParameter }
  | { readonly kind: "parameter-malformed"; readonly parameter: SignatureParameter }
  | { readonly kind: "component-missing"; readonly component: RequiredComponent }
  | { readonly kind: "component-repeated" }
  /** A component with parameters, or one that the gateway can't derive from a request. */
  | { readonly kind: "component-unsupported" }
  /** The signature covers a header field that the request doesn't have; the name is safe to quote. */
  | { readonly kind: "covered-field-missing"; readonly field: string }
  /** The method, the target or a covered header field has characters that can't be signed. */
  | { readonly kind: "component-value" }
  | { readonly kind: "unknown-key" }
  /** `alg` isn't the algorithm that the key was registered for. */
  | { readonly kind: "algorithm" }
  | { readonly kind: "too-old" }
  | { readonly kind: "in-future" }
  | { readonly kind: "expired" }
  | { readonly kind: "expires-before-created" }
  | { readonly kind: "expires-too-late" }
  /** `Content-Digest` has no sha-256. */
  | { readonly kind: "digest-missing" }
  | { readonly kind: "digest"; readonly algorithm: "sha-256" | "sha-512" }
  | { readonly kind: "wrong-signature" };

/** The detail of the refusal's `errmsg`: what the app must change. */
export function describeRequestSignatureFault(fault: RequestSignatureFault): string {
  switch (fault.kind) {
    case "field-missing":
      return `缺少请求头 ${fault.field}`;
    case "field-too-long":
      return `请求头 ${fault.field} 不能超过 ${MAX_FIELD_LENGTH} 字节`;
    case "field-malformed":
      return `请求头 ${fault.field} 格式错误，必须是 RFC 8941 的字典，键和参数都不能重复`;
    case "tag-missing":
      return `Signature-Input 中没有 tag="${SIGNATURE_TAG}" 的签名`;
    case "tag-repeated":
      return `Signature-Input 中 tag="${SIGNATURE_TAG}" 的签名只能有一个`;
    case "value-missing":
      return "Signature 中没有与 Signature-Input 同名的签名值";
    case "parameter-missing":
      return `签名缺少参数 ${fault.parameter}`;
    case "parameter-malformed":
      return `签名参数 ${fault.parameter} 必须是${isTime(fault.parameter) ? "整数（Unix 秒）" : "带双引号的字符串"}`;
    case "component-missing":
      return `签名必须包含组件 "${fault.component}"`;
    case "component-repeated":
      return "签名的每个组件只能出现一次";
    case "component-unsupported":
      return "签名含有不支持的组件：只支持 @method @authority @path @query @target-uri @scheme @request-target 和小写的请求头名，组件不能带参数（如 ;sf ;bs ;key ;req ;tr）";
    case "covered-field-missing":
      return `签名包含 "${fault.field}"，但请求没有这个请求头`;
    case "component-value":
      return "被签名的请求方法、路径或请求头只能包含可见的 ASCII 字符";
    case "unknown-key":
      return "keyid 不是该应用已登记的密钥";
    case "algorithm":
      return "alg 与该密钥登记的算法不一致，可以不传 alg";
    case "too-old":
      return `签名已过期：created 距今不能超过 ${MAX_SIGNATURE_AGE_S} 秒`;
    case "in-future":
      return `created 不能比网关的时间晚 ${MAX_CLOCK_SKEW_S} 秒以上，请校准时钟`;
    case "expired":
      return "签名已过期：expires 已过";
    case "expires-before-created":
      return "expires 不能早于 created";
    case "expires-too-late":
      return `expires 不能比 created 晚 ${MAX_LIFETIME_S} 秒以上`;
    case "digest-missing":
      return "Content-Digest 必须包含 sha-256";
    case "digest":
      return `Content-Digest 的 ${fault.algorithm} 与请求体不一致，必须按实际发送的原始字节计算`;
    case "wrong-signature":
      return "签名验证失败：请检查密钥、签名基串（signature base）以及 @authority 是否为网关对外的域名";
  }
}

function isTime(parameter: SignatureParameter): boolean {
  return parameter === "created" || parameter === "expires";
}
