/**
 * The `User-Agent` of every call to WeChat and to apps: the package's name and version. WeChat demands
 * one (W-67), and firewalls in front of apps refuse requests without (OWASP CRS rule 920320).
 */
export const USER_AGENT = "wechat-pay-gateway/0.1.0";
