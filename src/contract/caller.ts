import * as z from "zod";
import type { Refusal } from "./refusal.ts";
import type { Result } from "../lib/result.ts";
import { id, readFields, required } from "./fields.ts";
import type { Parameters } from "./parameter-set.ts";
import { SIGN } from "./signature.ts";

/** Who says they sent a request, and the proof, which is still to be verified. */
export interface Caller {
  readonly appId: number;
  readonly sign: string;
}

const schema = z.object({
  appId: id,
  sign: required((value) => (SIGN.test(value) ? null : "必须是 40 位十六进制的 SHA-1 签名")),
});

/** Contract: `appId` and `sign` of every request. Read first, as the app's salt is needed next. */
export function parseCaller(parameters: Parameters): Result<Caller, Refusal> {
  return readFields(schema, parameters);
}
