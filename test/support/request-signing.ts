import { Buffer } from "node:buffer";
import { createHmac, sign as signWith } from "node:crypto";
import * as z from "zod";
import { contentDigest, ED25519_PRIVATE, REQUIRED } from "../contract/request-signature/support.ts";
import { operator } from "./operator.ts";
import type { Shop } from "./shop.ts";

export const FORM = "application/x-www-form-urlencoded";
export const HMAC = { algorithm: "hmac-sha256" };

/** A registered key; Ed25519's private key is the test vectors'. */
export interface Key {
  readonly keyId: string;
  readonly algorithm: "ed25519" | "hmac-sha256";
  readonly secret?: string | undefined;
}

const keySchema = z.object({
  keyId: z.string(),
  algorithm: z.enum(["ed25519", "hmac-sha256"]),
  secret: z.string().optional(),
});

/** Registers a key of the app; by default the gateway makes an HMAC secret. */
export async function addKey({ appId }: Pick<Shop, "appId">, body: object = HMAC): Promise<Key> {
  const made = await operator("POST", `/admin/apps/${appId}/request-keys`, body);
  return keySchema.parse(await made.json());
}

/** The headers of a request that is signed with the key now. */
export function headersOf(key: Key, path: string, body: string): Record<string, string> {
  const digest = contentDigest(Buffer.from(body));
  const created = Math.floor(Date.now() / 1000);
  const names = REQUIRED.map((name) => `"${name}"`).join(" ");
  const input = `(${names});created=${created};expires=${created + 60};keyid="${key.keyId}";tag="wechat-pay-gateway"`;
  const base = [
    `"@method": POST`,
    `"@authority": gateway.test`,
    `"@path": ${path}`,
    `"content-type": ${FORM}`,
    `"content-digest": ${digest}`,
    `"@signature-params": ${input}`,
  ].join("\n");
  const signature =
    key.secret === undefined
      ? signWith(null, Buffer.from(base), ED25519_PRIVATE)
      : createHmac("sha256", Buffer.from(key.secret, "base64")).update(base).digest();
  return {
    "content-type": FORM,
    "content-digest": digest,
    "signature-input": `app=${input}`,
    signature: `app=:${signature.toString("base64")}:`,
  };
}
