import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { connect } from "../../src/db/database.ts";
import { getMerchant, updateMerchant } from "../../src/db/merchants.ts";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import worker from "../../src/index.ts";
import { API_V3_KEY, keys } from "../wechat/v3/support/fixtures.ts";
import { seal, signedHeaders, type Signer } from "../wechat/v3/support/messages.ts";
import { openShop, type Shop } from "../support/shop.ts";
import { closeScene, openScene } from "../support/scene.ts";

const HOUR_MS = 3600_000;
const db = connect(env.DB);

afterEach(closeScene);

/** Runs the schedule once; returns the mchids of the certificate requests. */
async function runSchedule(answer: () => Response): Promise<string[]> {
  const mchIds: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    expect(new Request(input).url).toBe(`${env.WECHAT_PAY_URL}/v3/certificates`);
    const header = new Headers(init?.headers).get("authorization") ?? "";
    mchIds.push(/mchid="(\d+)"/.exec(header)?.[1] ?? "");
    return answer();
  });
  await worker.scheduled(createScheduledController(), env);
  return mchIds;
}

function certificates(signer: Signer = keys.certificateA): Response {
  const { id, certificate } = keys.certificateB;
  const data = [
    { serial_no: id, encrypt_certificate: seal(certificate, "certificate", API_V3_KEY) },
  ];
  const body = JSON.stringify({ data });
  return new Response(body, { headers: signedHeaders(body, { signer }) });
}

async function keyIds({ merchantId }: Shop): Promise<string[] | undefined> {
  return (await getMerchant(db, merchantId))?.verifyKeys.map(({ id }) => id);
}

test("scheduled fetches platform certificates twice a day for merchants that have some", async () => {
  // Excludes the merchants of other files, which may share the database.
  await env.DB.prepare("update merchants set certificates_checked_at = 9e15").run();
  const { shop: both, logged } = await openScene("RSA");
  await openShop("HMAC-SHA256");
  const publicOnly = await openShop("RSA");
  const masterKey = await importMasterKey(env.MASTER_KEY);
  const dropped = { droppedVerifyKeys: [keys.certificateA.id] };
  await updateMerchant(db, masterKey, publicOnly.merchantId, dropped, Date.now());

  expect(await runSchedule(() => certificates())).toEqual([both.mchId]);
  expect(await keyIds(both)).toEqual([
    keys.certificateA.id,
    keys.publicKey.id,
    keys.certificateB.id,
  ]);
  expect(logged.join()).toContain("certificates_fetched");
  expect(await runSchedule(() => certificates())).toEqual([]);
  vi.setSystemTime(Date.now() + 10 * HOUR_MS + 1);
  expect(await runSchedule(() => certificates())).toEqual([both.mchId]);

  // A failed fetch only postpones the merchant to the next one.
  vi.setSystemTime(Date.now() + 10 * HOUR_MS + 1);
  const later = await openShop("RSA");
  const failed = await runSchedule(() => Response.json({ code: "SYSTEM_ERROR" }, { status: 500 }));
  expect(failed.toSorted()).toEqual([both.mchId, later.mchId].toSorted());
  expect(await keyIds(later)).toEqual([keys.certificateA.id, keys.publicKey.id]);
  expect(await runSchedule(() => certificates())).toEqual([]);

  // An expired certificate is removed at the next fetch.
  vi.setSystemTime(Date.now() + 10 * HOUR_MS + 1);
  await env.DB.prepare("update verify_keys set not_after = 1 where merchant_id = ? and key_id = ?")
    .bind(both.merchantId, keys.certificateA.id)
    .run();
  await runSchedule(() => certificates(keys.certificateB));
  expect(await keyIds(both)).toEqual([keys.publicKey.id, keys.certificateB.id]);
});

test("scheduled logs a job that throws and completes", async () => {
  const { logged } = await openScene("RSA");
  const broken = { ...env, DB: brokenD1(), WECHAT_PAY_URL: env.WECHAT_PAY_URL };
  await worker.scheduled(createScheduledController(), broken);
  expect(logged.join()).toContain("job_failed");
});

function brokenD1(): D1Database {
  return new Proxy(env.DB, {
    get: () => () => {
      throw new Error("D1 is away");
    },
  });
}
