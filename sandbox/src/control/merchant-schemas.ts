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
type AddIssue = (field: string, message: string) => void;

/** A merchant to register. Without the fields of APIv3 it can use APIv2 only. */
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
    const addIssue = issueAdder(context);
    const hasKey = Object.keys(keyFields).some((name) => name in it);
    const key = hasKey ? readKey(it, addIssue) : null;
    return {
      mchId: it.mchId,
      apiKey: it.apiKey,
      appIds: it.appIds,
      apiV3Key: it.apiV3Key ?? null,
      keys: key === null ? [] : [key],
      mode: readMode(it, addIssue) ?? { verifyMode: "certificate" },
      certificateStage: it.certificateStage ?? "first",
    };
  });

/** A key to add to a merchant's. */
export const merchantKey = z.strictObject(keyFields).transform((it, context): MerchantKey => {
  return readKey(it, issueAdder(context)) ?? z.NEVER;
});

/** Changes to the keys that WeChat signs with for a merchant; absent ones stay as they are. */
export const keyChange = z.strictObject(modeFields).transform((it, context): KeyChange => ({
  mode: readMode(it, issueAdder(context)),
  certificateStage: it.certificateStage ?? null,
}));

function readKey(it: KeyFields, addIssue: AddIssue): MerchantKey | null {
  const { merchantSerialNo, merchantPublicKey, merchantCertificate } = it;
  if (merchantCertificate !== undefined) {
    const key = readCertificate(merchantCertificate);
    if (key === null) addIssue("merchantCertificate", "not a certificate (PEM) of RSA-2048");
    if (merchantPublicKey !== undefined) addIssue("merchantPublicKey", "the certificate has it");
    if (key !== null && merchantSerialNo !== undefined && merchantSerialNo !== key.serialNo) {
      addIssue("merchantSerialNo", `the certificate's is ${key.serialNo}`);
    }
    return key;
  }
  if (merchantSerialNo === undefined)
    addIssue("merchantSerialNo", "required without a certificate");
  if (merchantPublicKey === undefined) {
    addIssue("merchantPublicKey", "this or merchantCertificate is required");
    return null;
  }
  const publicKey = readPublicKey(merchantPublicKey);
  if (publicKey === null) addIssue("merchantPublicKey", "not a public key (PEM) of RSA-2048");
  return publicKey === null || merchantSerialNo === undefined
    ? null
    : { serialNo: merchantSerialNo, publicKey };
}

function readMode(it: ModeFields, addIssue: AddIssue): KeyMode | null {
  const { verifyMode, switchPercent } = it;
  if (verifyMode === "switching") {
    if (switchPercent === undefined) addIssue("switchPercent", "required for switching");
    return { verifyMode, switchPercent: switchPercent ?? 0 };
  }
  if (switchPercent !== undefined) addIssue("switchPercent", "only for verifyMode switching");
  return verifyMode === undefined ? null : { verifyMode };
}

function issueAdder(context: z.RefinementCtx): AddIssue {
  return (field, message) => {
    context.addIssue({ code: "custom", path: [field], message });
  };
}
