/** The merchant that the sandbox always knows; its key is public (sandbox/wrangler.toml). */
export const DEMO_MERCHANT = {
  name: "Demo merchant",
  mchId: "1900000109",
  apiKey: "sandbox0api0key0of0thirtytwo0chr",
} as const;

/** The official account that the sandbox's demo merchant may use. */
export const DEMO_WECHAT_APP_ID = "wxde05c4b716e52bf2";

/** The salt in the published description of the signing rule: good in development only. */
export const DEMO_SALT = "992a7f0b35d90fa9d45fe7a669414fbb";
