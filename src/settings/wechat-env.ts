import type { Config } from "../config.ts";
import type { WechatEnv } from "../wechat/types.ts";

/** The network for a WeChat client, with the merchant certificates bound to this Worker. */
export function wechatEnvOf(env: Env, config: Config): WechatEnv {
  return {
    // Looked up at each call, so that tests can replace the network.
    fetch: async (url, init) => await fetch(url, init),
    fetchWithCertificate: (bindingName) => {
      const binding: unknown = Reflect.get(env, bindingName);
      if (!isFetcher(binding)) return undefined;
      return async (url, init) => await binding.fetch(url, init);
    },
    baseUrl: config.wechatPayUrl,
    spareUrl: config.wechatPaySpareUrl,
  };
}

function isFetcher(binding: unknown): binding is Fetcher {
  return typeof binding === "object" && binding !== null && "fetch" in binding;
}
