import type { Config } from "../config.ts";
import { findVerifyKey } from "./platform-certificates.ts";
import type { WechatEnv } from "../wechat/types.ts";

/** What work outside any request is done with: the schedule's jobs, a search for a missing key. */
export interface JobContext {
  readonly env: Env;
  readonly config: Config;
  readonly wechatEnv: WechatEnv;
}

/**
 * The world as a WeChat client sees it: the network, the merchant certificates bound to this
 * Worker, where WeChat is, and the keys that have come since.
 */
export function wechatEnvOf(env: Env, config: Config): WechatEnv {
  const wechatEnv: WechatEnv = {
    // Looked up at each call, so that tests can stand in for the network.
    fetch: async (url, init) => await fetch(url, init),
    fetchWithCertificate: (bindingName) => {
      const binding: unknown = Reflect.get(env, bindingName);
      if (!isFetcher(binding)) return undefined;
      return async (url, init) => await binding.fetch(url, init);
    },
    baseUrl: config.wechatPayUrl,
    spareUrl: config.wechatPaySpareUrl,
    findVerifyKey: async (merchantId, keyId) =>
      await findVerifyKey({ env, config, wechatEnv }, merchantId, keyId),
  };
  return wechatEnv;
}

function isFetcher(binding: unknown): binding is Fetcher {
  return typeof binding === "object" && binding !== null && "fetch" in binding;
}
