/** 15 digits: far above any amount, far below where a number stops being exact. */
const WHOLE_NUMBER = /^(?:0|[1-9]\d{0,14})$/;
/** Characters; WeChat's numbers of transactions and refunds have 28. */
const MAX_NUMBER_LENGTH = 32;

/** An amount of fen from 1 up, written as a plain decimal integer; else null. */
export function readFen(text: string | undefined): number | null {
  if (text === undefined || !WHOLE_NUMBER.test(text)) return null;
  const fen = Number(text);
  return fen >= 1 ? fen : null;
}

/** A number that WeChat gave a transaction or a refund; null when missing or too long. */
export function readWechatNumber(text: string | undefined): string | null {
  return text !== undefined && text !== "" && text.length <= MAX_NUMBER_LENGTH ? text : null;
}

/** Only yuan are traded; a report without a currency is in yuan (WeChat: fee_type). */
export function isYuan(feeType: string | undefined): boolean {
  return feeType === undefined || feeType === "" || feeType === "CNY";
}

/** 32 hex characters of chance: an APIv2 `nonce_str`. */
export function makeNonce(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
