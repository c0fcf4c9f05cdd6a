/** Which requests of an app must be signed by RFC 9421. */
export const REQUEST_SIGNATURE_MODES = ["off", "refunds", "all"] as const;

export type RequestSignatureMode = (typeof REQUEST_SIGNATURE_MODES)[number];

/**
 * The `tag` of the signature that the gateway verifies (RFC 9421, 2.3). A signature that the app made
 * for another purpose with the same key is never accepted here.
 */
export const SIGNATURE_TAG = "wechat-pay-gateway";

/**
 * The longest `Signature-Input`, `Signature` or `Content-Digest`, in bytes. One signature with ten
 * components takes about 300: this leaves room for those of proxies, and bounds the work that an
 * unverified caller can cause.
 */
export const MAX_FIELD_LENGTH = 4096;

/**
 * How old `created` may be, in seconds. With the clock skew, it bounds how long a captured request can
 * be replayed (RFC 9421, 7.2.2): 360 seconds.
 */
export const MAX_SIGNATURE_AGE_S = 300;

/** How far `created` may be ahead of the gateway's clock, in seconds: for apps whose clock is fast. */
export const MAX_CLOCK_SKEW_S = 60;

/** How long after `created` a signature may expire, in seconds: later is beyond its maximum age. */
export const MAX_LIFETIME_S = 300;

/**
 * The components that a signature must cover at least (RFC 9421, 7.2.1: what it doesn't cover can be
 * changed). Without `@authority`, a request to QA could be replayed in production; without `@path`,
 * at another endpoint; without `content-digest`, with another body; without `content-type`, the same
 * body could be read as another format.
 */
export const REQUIRED_COMPONENTS = [
  "@method",
  "@authority",
  "@path",
  "content-type",
  "content-digest",
] as const;

export type RequiredComponent = (typeof REQUIRED_COMPONENTS)[number];
