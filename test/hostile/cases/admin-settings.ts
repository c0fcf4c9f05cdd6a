import { keys } from "../../wechat/v3/support/fixtures.ts";
import type { Case, Cases } from "../support/case.ts";
import { CANARIES } from "../support/canaries.ts";
import { operatorRequest } from "../support/operator-request.ts";
import { ROUTES, type RouteName } from "../support/routes.ts";

const POST_APP = "POST /admin/apps";
const PATCH_APP = "PATCH /admin/apps/:id";
const POST_MERCHANT = "POST /admin/merchants";
const PATCH_MERCHANT = "PATCH /admin/merchants/:id";

/** URLs that the gateway must not call. In development, which these tests run in, private hosts are allowed. */
const FORBIDDEN_URLS: readonly string[] = [
  "",
  "x",
  "/pay",
  "//shop.example.com/pay",
  "https://",
  "https:///pay",
  "http://shop.example.com/pay",
  "ftp://shop.example.com/pay",
  "file:///etc/passwd",
  "gopher://shop.example.com/",
  "javascript:alert(1)",
  "data:text/plain,x",
  "blob:https://shop.example.com/x",
  "https://user@shop.example.com/",
  "https://user:canary-password@shop.example.com/",
  "https://shop.example.com@10.0.0.1/",
  "https://169.254.169.254/latest/meta-data/",
  "https://100.64.0.1/",
  "https://0.0.0.0/",
  "https://0/",
  "https://255.255.255.255/",
  "https://224.0.0.1/",
  "https://198.51.100.7/",
  "https://2852039166/",
  "https://0xa9fea9fe/",
  "https://0xA9.254.169.254/",
  "https://0251.254.169.254/",
  "https://169.254.43518/",
  "https://169.16689662/",
  "https://169.254.169.254./",
  "https://１６９.２５４.１６９.２５４/",
  "https://①⑥⑨.254.169.254/",
  "https://169。254。169。254/",
  "https://8.8.8.8/",
  "https://134744072/",
  "https://[2606:4700::1111]/",
  "http://[fe80::1]/",
  "https://[fd00:ec2::254]/",
  "http://metadata.google.internal/computeMetadata/v1/",
  "http://metadata/",
  "https://shop.test/",
  "https://shop.invalid/",
  "https://shop.example/",
  "https://shop.onion/",
  "https://shop.lan/",
  "https://shop.corp/",
  "https://shop.home/",
  "https://shop.example.com:22/",
  "https://shop.example.com:0/",
  "http://127.0.0.1:25/",
  "https://[::]/",
  "https://[fe80::1]/",
  "https://[ff02::1]/",
  "https://[::ffff:10.0.0.1]/",
  "https://[::ffff:a00:1]/",
  "https://[::ffff:127.0.0.1]/",
  "https://[::10.0.0.1]/",
  "https://[64:ff9b::10.0.0.1]/",
  "https://[2002:a00:1::]/",
  "https://[2001:db8::1]/",
  "https://[fe80::1%25eth0]/",
  "https://shop.example.com./",
  "https://localhost./",
  "https://shop.example.com/#x",
  "https://shop.example.com/#",
  "https://shop.example.com\\@10.0.0.1/",
  "https:\\\\shop.example.com\\",
  "https://shop.example.com/\r\nX-Evil: 1",
  "https://shop.example.com/\tx",
  " https://shop.example.com/",
  "https://shop.example.com/ ",
  "https://shop.example.com/\u0000",
  "https://shop.example.com:99999/",
  "https://shop.example.com:x/",
  "https://%00.example.com/",
  "https://shop%2eexample%2ecom%2f@10.0.0.1/",
  "https://xn--/",
  "https://a..b/",
  `https://shop.example.com/${"a".repeat(512)}`,
  `https://${"a.".repeat(200)}com/`,
];

const refused = (route: RouteName, field: string, value: unknown, name: string): Case => ({
  name,
  route,
  answer: "admin 400",
  textPattern: new RegExp(`"path":"${field}`),
  request: (target) =>
    operatorRequest(route, target, { json: { ...bodyOf(route), [field]: value } }),
});

function bodyOf(route: RouteName): object {
  const definition = ROUTES[route];
  return "body" in definition ? definition.body : {};
}

const urls: Cases = FORBIDDEN_URLS.flatMap((url) =>
  (["payNotifyUrl", "refundNotifyUrl"] as const).map((field) =>
    refused(
      field === "payNotifyUrl" ? POST_APP : PATCH_APP,
      field,
      url,
      `${field} ${JSON.stringify(url.slice(0, 60))}`,
    ),
  ),
);

const INVALID_APP_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  name: [" ", "\t", "a\u0000b", "a\nb", "\u0085", "x".repeat(65), "\ud800", "\udc00x"],
  merchantId: [0, -1, 1.5, 2 ** 53, 999_999, "1", "1 or 1=1", true, [1]],
  wechatAppId: ["", "wx", "WX1", "wx-1", "wx1\n", "wx\u0000", `wx${"1".repeat(31)}`, "ｗｘ1", 1],
};

const INVALID_SALTS: readonly unknown[] = [
  "",
  "short",
  "canary-salt-with blanks",
  "canary-salt-with\u0000",
  "canary-salt-with\n",
  "canary-salt-盐-盐-盐",
  `canary-salt-${"x".repeat(128)}`,
  ["canary-salt-in-a-list"],
  { salt: "canary-salt-in-an-object" },
  12_345_678,
];

const pem = (label: string, body: string): string =>
  `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

const INVALID_PRIVATE_KEYS: readonly unknown[] = [
  "",
  CANARIES.pem,
  pem("PRIVATE KEY", CANARIES.pem),
  pem("RSA PRIVATE KEY", CANARIES.pem),
  pem("ENCRYPTED PRIVATE KEY", CANARIES.pem),
  pem("PRIVATE KEY", "!".repeat(60)),
  pem("PRIVATE KEY", "A".repeat(50_000)),
  `${keys.merchant.privateKey}\n${pem("PRIVATE KEY", CANARIES.pem)}`,
  keys.merchant.privateKey.slice(0, -40),
  keys.publicKey.publicKey,
  `file:///etc/ssl/private.pem`,
  [keys.merchant.privateKey],
  { pem: CANARIES.pem },
  1,
];

const INVALID_VERIFY_KEYS: readonly unknown[] = [
  "x",
  {},
  [null],
  ["x"],
  [{}],
  [{ id: "1" }],
  [{ id: "", pem: null }],
  [{ id: "../../x", pem: null }],
  [{ id: "PUB_KEY_ID_", pem: "x" }],
  [{ id: "PUB_KEY_ID_1", pem: "" }],
  [{ id: "PUB_KEY_ID_1", pem: pem("PUBLIC KEY", CANARIES.pem) }],
  [{ id: "PUB_KEY_ID_1", pem: keys.merchant.privateKey }],
  [{ id: "PUB_KEY_ID_1", pem: keys.publicKey.publicKey, kind: "certificate" }],
  [{ id: { $ne: null }, pem: null }],
  [
    { id: "1A", pem: null },
    { id: "1a", pem: null },
  ],
  Array.from({ length: 21 }, (_, at) => ({ id: String(at + 1), pem: null })),
  Array.from({ length: 1_000 }, () => ({ id: "1", pem: null })),
];

const INVALID_MERCHANT_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  name: ["", " ", "a\u0000", "x".repeat(65), "\ud800"],
  protocol: ["", "v1", "V2", "v2 ", "v4", 2, "__proto__", null],
  apiKey: [
    "",
    CANARIES.apiKey.slice(1),
    `${CANARIES.apiKey}x`,
    `${CANARIES.apiKey.slice(1)}\n`,
    `${CANARIES.apiKey.slice(1)} `,
    `${CANARIES.apiKey.slice(1)}密`,
    [CANARIES.apiKey],
  ],
  signType: ["", "md5", "SHA1", "RSA", "none", "HMAC-SHA256 ", null],
  certBinding: [
    "",
    "DB",
    "ORDER_OBJECT2",
    "ADMIN_TOKEN",
    "MASTER_KEY",
    "__proto__",
    "constructor",
    1,
  ],
  apiV3Key: ["", CANARIES.apiV3Key.slice(1), `${CANARIES.apiV3Key}x`, [CANARIES.apiV3Key]],
  merchantSerialNo: ["", "x", "1".repeat(41), "1 ", "0x1", 1],
  merchantPrivateKey: INVALID_PRIVATE_KEYS,
  merchantCertificate: [
    "",
    CANARIES.pem,
    pem("CERTIFICATE", CANARIES.pem),
    keys.merchant.privateKey,
    1,
  ],
  verifyKeys: INVALID_VERIFY_KEYS,
};

const INVALID_ROTATIONS: Readonly<Record<string, readonly unknown[]>> = {
  overlapSeconds: [-1, 0.5, 2_592_001, 2 ** 53, "60", "", true, null, [60], "1e3", "0x3c"],
};

const refusedValues = (
  route: RouteName,
  values: Readonly<Record<string, readonly unknown[]>>,
): Cases =>
  Object.entries(values).flatMap(([field, invalid]) =>
    invalid.map((value, at) =>
      refused(route, field, value, `${field} ${at}: ${JSON.stringify(value).slice(0, 60)}`),
    ),
  );

export const adminSettings: Cases = [
  ...urls,
  ...refusedValues(POST_APP, { ...INVALID_APP_VALUES, salt: INVALID_SALTS }),
  ...refusedValues(PATCH_APP, {
    ...INVALID_APP_VALUES,
    enabled: ["true", 1, 0, "", null],
    salt: INVALID_SALTS,
  }),
  ...refusedValues(POST_MERCHANT, {
    ...INVALID_MERCHANT_VALUES,
    mchId: ["", "1 ", "１", "a/b", "1".repeat(33), 1],
  }),
  ...refusedValues(PATCH_MERCHANT, { ...INVALID_MERCHANT_VALUES, mchId: ["1900009998", 1, null] }),
  ...refusedValues("POST /admin/apps/:id/rotate-salt", INVALID_ROTATIONS),
  ...refusedValues("POST /admin/apps/:id/rotate-webhook-secret", INVALID_ROTATIONS),
  ...refusedValues("POST /admin/apps/:id/activate-salt", INVALID_ROTATIONS),
  ...refusedValues("POST /admin/apps/:id/stage-salt", { salt: INVALID_SALTS }),
  ...refusedValues("POST /admin/orders/:id/redeliver", {
    event: ["", "PAY", "pay ", "payment", "refund\n", "__proto__", 1, true, null, ["pay"]],
  }),
  {
    name: "an mchId that is already registered",
    route: POST_MERCHANT,
    answer: "admin 409",
    request: (target) =>
      operatorRequest(POST_MERCHANT, target, {
        json: { ...bodyOf(POST_MERCHANT), mchId: target.shop.mchId },
      }),
  },
  {
    name: "a refund event of an order without a refund",
    route: "POST /admin/orders/:id/redeliver",
    answer: "admin 409",
    allows: "calls",
    request: (target) =>
      operatorRequest("POST /admin/orders/:id/redeliver", target, { json: { event: "refund" } }),
  },
  {
    name: "a payment event of an unpaid order",
    route: "POST /admin/orders/:id/redeliver",
    answer: "admin 409",
    allows: "calls",
    request: (target) =>
      operatorRequest("POST /admin/orders/:id/redeliver", target, {
        id: String(target.orders.waiting.id),
      }),
  },
];
