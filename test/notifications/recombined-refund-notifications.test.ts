import { Buffer } from "node:buffer";
import { afterEach, expect, test } from "vitest";
import { decryptReqInfo, reqInfoKey } from "../../src/wechat/v2/notifications.ts";
import { postNotification, refundNotificationXml, refundPath } from "../support/notifications.ts";
import { makePaidOrder, refundOf, requestRefund, runDueTimers } from "../support/scenario.ts";
import { closeScene, openScene } from "../support/scene.ts";

afterEach(closeScene);

const BLOCK = 16;

/**
 * The genuine notification with one block of its refund number repeated `copies` times. In ECB mode
 * every block is encrypted by itself, so this needs no key.
 */
function withRepeatedBlock(xml: string, at: number, copies: number): string {
  return xml.replace(/(<req_info><!\[CDATA\[)([^\]]+)/, (_, open: string, text: string) => {
    const blocks = Buffer.from(text, "base64");
    const block = blocks.subarray(at, at + BLOCK);
    const repeated = Array.from({ length: copies }, () => block);
    return (
      open +
      Buffer.concat([blocks.subarray(0, at), ...repeated, blocks.subarray(at)]).toString("base64")
    );
  });
}

test("I12: refund numbers made by repeating a block of APIv2's cipher cause two queries", async () => {
  const scene = await openScene("MD5");
  const { shop, wechat } = scene;
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  await requestRefund(scene, order);
  const { number } = await refundOf(order);
  const genuine = await refundNotificationXml(shop, {
    out_trade_no: order.number,
    out_refund_no: number,
    refund_status: "SUCCESS",
  });
  const [, reqInfo = ""] = /<req_info><!\[CDATA\[([^\]]+)/.exec(genuine) ?? [];
  const plain = decryptReqInfo(reqInfo, await reqInfoKey(shop.apiKey)) ?? new Uint8Array();
  const at = Math.ceil(Buffer.from(plain).indexOf(number) / BLOCK) * BLOCK;
  for (let copies = 1; copies <= 100; copies += 1) {
    const forged = withRepeatedBlock(genuine, at, copies);
    expect(await postNotification(refundPath(shop), forged)).toBe(false);
  }
  const asked = wechat.callsOf("/pay/refundquery").map((fields) => fields["out_refund_no"] ?? "");
  expect(asked.map(({ length }) => length)).toEqual([48, 64]);
  wechat.refund(number).status = "SUCCESS";
  expect(await postNotification(refundPath(shop), genuine)).toBe(true);
});
