import { z } from "zod";
import {
  CERTIFICATE_STAGES,
  VERIFY_MODES,
  type KeyChange,
  type KeyMode,
} from "../ledger/key-modes.ts";
import type { MerchantKey } from "../ledger/merchant-keys.ts";
import type { Merchant } from "../ledger/merchants.ts";
import { readCertificate, readPublicKey } from "../v3/pem.ts";

const appId = z.string().regex(/^wx[0-9A-Za-z]{1,30}$/, "an appid: wx, then letters and digits");
const secret = z.string().regex(/^[0-9A-Za-z]{32}$/, "32 letters and digits");
const pem = z.string().max(16_384);

const keyFields = {
  merchantSerialNo: z
    .string()
    .regex(/^[0-9A-F]{1,40}$/, "a certificate's serial: hex digits in upper case")
    .optional(),
  merchantPublicKey: pem.optional(),
  merchantCertificate: pem.optional(),
};
const modeFields = {
  verifyMode: z.enum(VERIFY_MODES).optional(),
  switchPercent: z.number().min(0).max(100).optional(),
  certificateStage: z.enum(CERTIFICATE_STAGES).optional(),
};

type KeyFields = z.infer<z.ZodObject<typeof keyFields>>;
type ModeFields = z.infer<z.ZodObject<typeof modeFields>>;
type Complain = (field: string, message: string) => void;

/** A merchant as the control API takes it; what is left out of APIv3 the merchant has not. */
export const merchant = z
  .strictObject({
    mchId: z.string().regex(/^\d{6,32}$/, "6 to 32 digits"),
    apiKey: secret,
    appIds: z.array(appId).min(1).max(50),
    apiV3Key: secret.optional(),
    ...keyFields,
    ...modeFields,
  })
  .transform((it, context): Merchant => {
    const complain = complainer(context);
    const named = Object.keys(keyFields).some((name) => name in it);
    const key = named ? keyOf(it, complain) : undefined;
    return {
      mchId: it.mchId,
      apiKey: it.apiKey,
      appIds: it.appIds,
      apiV3Key: it.apiV3Key ?? null,
      keys: key === undefined ? [] : [key],
      mode: modeOf(it, complain) ?? { verifyMode: "certificate" },
      certificateStage: it.certificateStage ?? "first",
    };
  });

/** One more key of a merchant's, valid beside the others. */
export const merchantKey = z.strictObject(keyFields).transform((it, context): MerchantKey => {
  return keyOf(it, complainer(context)) ?? z.NEVER;
});

/** What to change of the keys by which WeChat signs for a merchant; the rest stays. */
export const keyChange = z.strictObject(modeFields).transform((it, context): KeyChange => ({
  mode: modeOf(it, complainer(context)),
  certificateStage: it.certificateStage,
}));

function keyOf(it: KeyFields, complain: Complain): MerchantKey | undefined {
  const { merchantSerialNo, merchantPublicKey, merchantCertificate } = it;
  if (merchantCertificate !== undefined) {
    const key = readCertificate(merchantCertificate);
    if (key === undefined) complain("merchantCertificate", "not a certificate (PEM) of RSA-2048");
    if (merchantPublicKey !== undefined) complain("merchantPublicKey", "the certificate has it");
    if (key && merchantSerialNo !== undefined && merchantSerialNo !== key.serialNo) {
      complain("merchantSerialNo", `the certificate's is ${key.serialNo}`);
    }
    return key;
  }
  if (merchantSerialNo === undefined)
    complain("merchantSerialNo", "required without a certificate");
  if (merchantPublicKey === undefined) {
    complain("merchantPublicKey", "this or merchantCertificate is required");
    return undefined;
  }
  const publicKey = readPublicKey(merchantPublicKey);
  if (publicKey === undefined) complain("merchantPublicKey", "not a public key (PEM) of RSA-2048");
  return publicKey === undefined || merchantSerialNo === undefined
    ? undefined
    : { serialNo: merchantSerialNo, publicKey };
}

function modeOf(it: ModeFields, complain: Complain): KeyMode | undefined {
  const { verifyMode, switchPercent } = it;
  if (verifyMode === "switching") {
    if (switchPercent === undefined) complain("switchPercent", "required for switching");
    return { verifyMode, switchPercent: switchPercent ?? 0 };
  }
  if (switchPercent !== undefined) complain("switchPercent", "only for verifyMode switching");
  return verifyMode && { verifyMode };
}

function complainer(context: z.RefinementCtx): Complain {
  return (field, message) => {
    context.addIssue({ code: "custom", path: [field], message });
  };
}
