const SCHEME = "WECHATPAY2-SHA256-RSA2048 ";
const FIELD = /^([a-z_]+)="([^"]*)"$/;
const SHAPES = {
  mchid: /^\d{1,32}$/,
  nonce_str: /^[0-9A-Za-z]{1,32}$/,
  timestamp: /^\d{10}$/,
  // In either case: SDKs that read it from the certificate send small letters.
  serial_no: /^[0-9A-Fa-f]{1,40}$/,
  signature: /^.+$/,
} as const;

/** Who signed a request, when, and how: the five fields of the Authorization header. */
export type Authorization = Readonly<Record<keyof typeof SHAPES, string>>;

export type AuthorizationReading =
  | { ok: true; authorization: Authorization }
  | { ok: false; issue: string };

/**
 * Reads an Authorization header: the scheme, then exactly five fields in any order, in double quotes,
 * parted by commas without spaces. WeChat docs: APIv3, "building the Authorization header".
 */
export function readAuthorization(header: string | undefined): AuthorizationReading {
  if (header === undefined || header === "") return no("Authorization is missing");
  if (!header.startsWith(SCHEME)) return no("the scheme is not WECHATPAY2-SHA256-RSA2048");
  const fields = new Map<string, string>();
  for (const part of header.slice(SCHEME.length).split(",")) {
    const [, name, value] = FIELD.exec(part) ?? [];
    if (name === undefined || value === undefined) return no('a field is not name="value"');
    if (!Object.hasOwn(SHAPES, name)) return no(`${name} is no field of Authorization`);
    if (fields.has(name)) return no(`${name} is repeated`);
    fields.set(name, value);
  }
  for (const [name, shape] of Object.entries(SHAPES)) {
    const value = fields.get(name);
    if (value === undefined) return no(`${name} is missing`);
    if (!shape.test(value)) return no(`${name} is malformed`);
  }
  const field = (name: keyof typeof SHAPES): string => fields.get(name) ?? "";
  return {
    ok: true,
    authorization: {
      mchid: field("mchid"),
      nonce_str: field("nonce_str"),
      timestamp: field("timestamp"),
      serial_no: field("serial_no"),
      signature: field("signature"),
    },
  };
}

function no(issue: string): AuthorizationReading {
  return { ok: false, issue };
}
