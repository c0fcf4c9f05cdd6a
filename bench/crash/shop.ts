import { randomBytes, randomInt } from "node:crypto";
import type { Stack } from "../../testkit/stack/stack.ts";
import { AdminClient } from "../../testkit/admin-client.ts";
import { AppClient } from "../../testkit/app-client.ts";
import { AppReceiver } from "../../testkit/app-receiver.ts";
import type { Protocol } from "../../testkit/contract.ts";
import { API_CERTIFICATE, PLATFORM_CERTIFICATE } from "../../testkit/demo-merchant.ts";
import type { SandboxClient } from "../../testkit/sandbox-client.ts";
import type { Chance } from "./random.ts";

/** A merchant with one app, whose server is up and mostly well. */
export interface Shop {
  readonly protocol: Protocol;
  readonly app: AppClient;
  readonly receiver: AppReceiver;
  readonly sandbox: SandboxClient;
}

/** The share of callbacks that the app answers badly, and the share that it never answers. */
const BADLY = 0.1;
const NEVER = 0.03;

/** Registers a merchant at the sandbox and the gateway, and an app of it. */
export async function openShop(
  { gatewayUrl, adminToken }: Stack,
  sandbox: SandboxClient,
  protocol: Protocol,
  chance: Chance,
): Promise<Shop> {
  const admin = new AdminClient(gatewayUrl, adminToken);
  const mchId = `19${randomInt(1e8, 1e9)}`;
  const apiKey = randomBytes(16).toString("hex");
  const apiV3Key = randomBytes(16).toString("hex");
  const wechatAppId = `wx${randomBytes(8).toString("hex")}`;
  const { certificate, serialNo, privateKey } = API_CERTIFICATE;
  const account = { mchId, apiKey, appIds: [wechatAppId], apiV3Key };
  await sandbox.addMerchant({ ...account, merchantCertificate: certificate });
  const facts = { name: `crash ${protocol}`, mchId };
  const merchant = await admin.registerMerchant(
    protocol === "v2"
      ? { ...facts, protocol, apiKey, signType: "HMAC-SHA256" }
      : {
          ...facts,
          protocol,
          apiV3Key,
          merchantSerialNo: serialNo,
          merchantPrivateKey: privateKey,
          verifyKeys: [PLATFORM_CERTIFICATE],
        },
  );
  const receiver = await AppReceiver.start();
  const registered = await admin.registerApp({
    name: `crash ${protocol}`,
    merchantId: merchant.id,
    wechatAppId,
    payNotifyUrl: `${receiver.url}/pay`,
    refundNotifyUrl: `${receiver.url}/refund`,
  });
  receiver.trust(registered);
  receiver.answer((response) => {
    if (chance.happens(NEVER)) return;
    response.statusCode = chance.happens(BADLY) ? 500 : 200;
    response.end("success");
  });
  return { protocol, app: new AppClient(gatewayUrl, registered), receiver, sandbox };
}
