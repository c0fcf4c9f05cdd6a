import { err, ok, type Result } from "../result.ts";

const SCHEME = "WECHATPAY2-SHA256-RSA2048 ";
const FIELD = /^([a-z_]+)="([^"]*)"$/;
const SHAPES = {
  mchid: /^\d{1,32}$/,
  nonce_str: /^[0-9A-Za-z]{1,32}$/,
  timestamp: /^\d{10}$/,
  // Either case: SDKs that read it from the certificate send lower-case letters.
  serial_no: /^[0-9A-Fa-f]{1,40}$/,
  signature: /^.+$/,
} as const;

/** The five fields of the Authorization header. */
export type Authorization = Readonly<Record<keyof typeof SHAPES, string>>;

/**
 * Parses an Authorization header, empty when absent: the scheme, then exactly five fields in any
 * order, in double quotes, separated by commas without spaces. The error is the issue for people.
 * See W-65.
 */
export function readAuthorization(header: string): Result<Authorization, string> {
  if (header === "") return err("Authorization is missing");
  if (!header.startsWith(SCHEME)) return err("the scheme is not WECHATPAY2-SHA256-RSA2048");
  const fields = new Map<string, string>();
  for (const part of header.slice(SCHEME.length).split(",")) {
    const [, name, value] = FIELD.exec(part) ?? [];
    if (name === undefined || value === undefined) return err('a field is not name="value"');
    if (!Object.hasOwn(SHAPES, name)) return err(`${name} is no field of Authorization`);
    if (fields.has(name)) return err(`${name} is repeated`);
    fields.set(name, value);
  }
  for (const [name, shape] of Object.entries(SHAPES)) {
    const value = fields.get(name);
    if (value === undefined) return err(`${name} is missing`);
    if (!shape.test(value)) return err(`${name} is malformed`);
  }
  const field = (name: keyof typeof SHAPES): string => fields.get(name) ?? "";
  return ok({
    mchid: field("mchid"),
    nonce_str: field("nonce_str"),
    timestamp: field("timestamp"),
    serial_no: field("serial_no"),
    signature: field("signature"),
  });
}
