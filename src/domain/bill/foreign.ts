import type { BillLine } from "./line.ts";

/** Every order of the gateway has such a number (`randomHex32`). */
const OUR_NUMBER = /^[0-9a-f]{32}$/;

/** Whether the line's number can't be one of ours. A missing number says nothing. */
export function hasForeignNumber({ orderNumber }: Pick<BillLine, "orderNumber">): boolean {
  return orderNumber !== "" && !OUR_NUMBER.test(orderNumber);
}

/**
 * Whether a line that isn't in the record can't be a trade of ours that was lost, so that another
 * system on the same merchant number must have made it (W-56): its number hasn't the form of ours, or
 * no app has its appid. A bill without appids leaves it to the number.
 *
 * @param ourAppIds the appids of all apps: an app may have changed its merchant since
 */
export function isForeign(
  line: Pick<BillLine, "orderNumber" | "wechatAppId">,
  ourAppIds: ReadonlySet<string>,
): boolean {
  return hasForeignNumber(line) || (line.wechatAppId !== "" && !ourAppIds.has(line.wechatAppId));
}
