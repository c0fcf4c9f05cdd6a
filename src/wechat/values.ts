/** Characters; WeChat's numbers of transactions and refunds have 28. */
const MAX_NUMBER_LENGTH = 32;

/** A number that WeChat gave a transaction or a refund; null when missing or too long. */
export function readWechatNumber(text: string | undefined): string | null {
  return text !== undefined && text !== "" && text.length <= MAX_NUMBER_LENGTH ? text : null;
}
