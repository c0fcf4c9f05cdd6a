import { and, eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { incidents } from "../../src/db/schema.ts";
import { wechatError, type Fault } from "../support/faults.ts";
import { logLinesWith } from "../support/log-lines.ts";
import { db } from "../support/rows.ts";
import { makeOrder, makePaidOrder, requestRefund } from "../support/scenario.ts";
import { closeScene, openScene, until, type Scene } from "../support/scene.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await openScene();
});

afterEach(closeScene);

const found = async (kind: "merchant_key_refused" | "merchant_refused" | "merchant_balance_low") =>
  await db
    .select()
    .from(incidents)
    .where(and(eq(incidents.merchantId, scene.shop.merchantId), eq(incidents.kind, kind)));

/** Waits until the merchant's only incident of this kind is open, or resolved. */
async function becomes(kind: Parameters<typeof found>[0], state: "open" | "resolved") {
  await until(async () => {
    const [row] = await found(kind);
    return row !== undefined && (row.resolvedAt === null) === (state === "open");
  });
  const rows = await found(kind);
  expect(rows).toHaveLength(1);
  return rows[0];
}

async function failedOrder(...faults: Fault[]): Promise<void> {
  scene.wechat.fail("/pay/unifiedorder", ...faults);
  await expect(makeOrder(scene)).rejects.toThrow("no order was created");
}

const KEY_FAULTS: readonly (readonly [string, Fault[]])[] = [
  ["refuses the key", [wechatError("SIGNERROR")]],
  ["refuses the key in a text", [{ acts: false, how: "fail", message: "签名错误" }]],
  [
    "can't be verified",
    [
      { acts: false, how: "wrong signature" },
      { acts: false, how: "wrong signature" },
    ],
  ],
];

describe("a merchant whose key was changed at WeChat", () => {
  test.for(KEY_FAULTS)("is one incident until a call succeeds: WeChat %s", async ([, faults]) => {
    await failedOrder(...faults);
    await failedOrder(...faults);
    const { shop, logged } = scene;
    const incident = await becomes("merchant_key_refused", "open");
    expect(incident).toMatchObject({ subject: `merchant:${shop.merchantId}`, seen: 1 });
    expect(logLinesWith(logged, { event: "merchant_key_refused" })).toMatchObject([
      { level: "error", merchant: shop.merchantId, requestId: incident?.requestId },
    ]);
    await makeOrder(scene);
    await becomes("merchant_key_refused", "resolved");
  });
});

describe("a merchant without a right", () => {
  test.for(["NOAUTH", "APPID_MCHID_NOT_MATCH"])("%s is one incident", async (code) => {
    await failedOrder(wechatError(code));
    expect(await becomes("merchant_refused", "open")).toMatchObject({
      facts: { api: "prepay", code, wechatAppId: scene.shop.wechatAppId },
    });
    await makeOrder(scene);
    await becomes("merchant_refused", "resolved");
  });
});

describe("a refund that is refused for want of balance", () => {
  test("is one incident until a refund is accepted", async () => {
    const order = await makePaidOrder(scene);
    scene.wechat.fail("/secapi/pay/refund", wechatError("NOTENOUGH"));
    await requestRefund(scene, order);
    await becomes("merchant_balance_low", "open");
    await requestRefund(scene, await makePaidOrder(scene));
    await becomes("merchant_balance_low", "resolved");
  });
});
