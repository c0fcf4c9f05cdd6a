/** Characters; WeChat's transaction and refund numbers have 28. */
const MAX_NUMBER_LENGTH = 32;

/** WeChat's number for a transaction or a refund; null when missing or too long. */
export function readWechatNumber(text: string | undefined): string | null {
  return text !== undefined && text !== "" && text.length <= MAX_NUMBER_LENGTH ? text : null;
}
