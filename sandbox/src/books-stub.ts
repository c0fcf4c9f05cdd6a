import type { Ledger } from "./ledger.ts";

/** The one object that holds WeChat Pay's books. */
export function books(env: Env): DurableObjectStub<Ledger> {
  return env.LEDGER.getByName("wechat");
}
