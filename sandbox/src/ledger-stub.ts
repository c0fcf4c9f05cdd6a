import type { Ledger } from "./ledger.ts";

/** The one object that holds WeChat Pay's ledger. */
export function ledgerStub(env: Env): DurableObjectStub<Ledger> {
  return env.LEDGER.getByName("wechat");
}
