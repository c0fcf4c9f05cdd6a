import { connectWechat } from "../wechat/client.ts";
import { instrumentWechat } from "../wechat/instrument.ts";
import type { Merchant, Protocol, WechatPay } from "../wechat/types.ts";
import { observeCalls } from "./merchant-incidents.ts";
import { verifyKeyLookup } from "./platform-certificates.ts";
import { wechatEnvOf } from "./wechat-env.ts";
import type { WorkContext } from "./work-context.ts";

/** A merchant's client in the order's protocol; its calls are logged and metered. */
export function wechatFor(work: WorkContext, merchant: Merchant, protocol: Protocol): WechatPay {
  const wechatEnv = wechatEnvOf(work.env, work.config);
  return instrumentWechat(
    connectWechat(merchant, protocol, wechatEnv, verifyKeyLookup(work)),
    work.meter,
    observeCalls(work, merchant, protocol),
  );
}
