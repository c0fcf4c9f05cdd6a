/**
 * The limit of `desc` and `attach`: 127 bytes of UTF-8, the narrowest of both protocols, so that an app
 * needn't know its merchant's. Captured answers name 128 bytes for APIv2's `body` and APIv3's `attach`;
 * the documents have 127 for APIv2's `attach` and APIv3's `description` (W-97).
 */
export const MAX_TEXT_BYTES = 127;
/** The limit of `tag`: APIv3 counts the bytes of `goods_tag`, and APIv2 presumably too (W-97). */
export const MAX_TAG_BYTES = 32;

/** WeChat Pay's limit for a refund's reason, in bytes of UTF-8 (W-97). */
export const MAX_REASON_BYTES = 80;

/**
 * Why WeChat would refuse or garble `text`, in Chinese, to follow the parameter's name; null if it
 * wouldn't. APIv2 refuses characters of four bytes in UTF-8. XML 1.0 can't represent most control
 * characters, and turns a carriage return into a line feed, which breaks the message's signature.
 */
export function wechatTextFault(text: string): string | null {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code > 0xffff) return "不能包含 emoji 等四字节字符，微信支付不接受";
    if (!isXmlCharacter(code)) return "不能包含控制字符（制表符和换行符 \\n 除外）";
  }
  return null;
}

/** A message as above if `text` has more than `max` bytes in UTF-8. Text is never truncated. */
export function byteLimitFault(text: string, max: number): string | null {
  return new TextEncoder().encode(text).length > max
    ? `不能超过 ${max} 字节（UTF-8，一个汉字占 3 字节）`
    : null;
}

/** A message as above if `text` has more than `max` characters. */
export function lengthFault(text: string, max: number): string | null {
  return text.length > max ? `不能超过 ${max} 个字符` : null;
}

/**
 * XML 1.0's `Char` below U+10000, without the carriage return and the control characters that it
 * discourages (U+007F to U+009F). Surrogates aren't characters.
 */
function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x09 || code === 0x0a;
  if (code >= 0x7f && code <= 0x9f) return false;
  return code < 0xd800 || (code >= 0xe000 && code <= 0xfffd);
}
