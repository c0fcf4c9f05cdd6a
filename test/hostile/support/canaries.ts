/**
 * Values that look like secrets and occur in hostile requests only. They open nothing, but no answer,
 * log line, timeline or row may repeat them.
 */
export const CANARIES = {
  token: "canary-token-of-a-stranger-4d1e",
  sign: "c0ffee7f3b0c5e91d24a68c0ffee7f3b0c5e91d2",
  salt: "canary-salt-that-an-app-brought",
  apiKey: "canary-api-key-of-32-characters!",
  apiV3Key: "canary-apiv3-key-of-32-letters!!",
  pem: "Y2FuYXJ5LXByaXZhdGUta2V5LW9mLW5vYm9keQ",
  accessToken: "canary-oauth-token-of-the-payer",
  openId: "oCanaryOpenIdOfNobody_91d24a68",
  signature: "Y2FuYXJ5LXNpZ25hdHVyZS1vZi1ub2JvZHk",
} as const;
