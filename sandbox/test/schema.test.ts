import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { ensureTables } from "../src/ledger/schema.ts";
import { control, placeOrder, resetSandbox } from "./helpers.ts";

test("ensureTables drops the data of another schema and keeps that of the same one", async () => {
  await resetSandbox();
  await runInDurableObject(env.LEDGER.getByName("wechat"), (_ledger, { storage }) => {
    storage.sql.exec("drop table orders");
    storage.sql.exec("create table orders (mch_id text, out_trade_no text, params text)");
    storage.sql.exec("insert into orders values ('1', 'OLD', '{}')");
    storage.sql.exec("update shape set tables = 'of an older sandbox'");
    ensureTables(storage.sql);
    expect([...storage.sql.exec("select * from orders")]).toEqual([]);
    storage.sql.exec("insert into probes values ('kept')");
    ensureTables(storage.sql);
    expect([...storage.sql.exec("select * from probes")]).toEqual([{ request: "kept" }]);
  });
  await control("POST", "/reset");
  expect(await placeOrder("AFTERWARDS01")).toMatchObject({ result_code: "SUCCESS" });
});
