import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { openTables } from "../src/ledger/schema.ts";
import { control, freshSandbox, placeOrder } from "./helpers.ts";

test("what a sandbox stored in other tables is forgotten, and it works on", async () => {
  await freshSandbox();
  await runInDurableObject(env.LEDGER.getByName("wechat"), (_ledger, { storage }) => {
    storage.sql.exec("drop table orders");
    storage.sql.exec("create table orders (mch_id text, out_trade_no text, params text)");
    storage.sql.exec("insert into orders values ('1', 'OLD', '{}')");
    storage.sql.exec("update shape set tables = 'of an older sandbox'");
    openTables(storage.sql);
    expect([...storage.sql.exec("select * from orders")]).toEqual([]);
    storage.sql.exec("insert into probes values ('kept')");
    openTables(storage.sql);
    expect([...storage.sql.exec("select * from probes")]).toEqual([{ request: "kept" }]);
  });
  await control("POST", "/reset");
  expect(await placeOrder("AFTERWARDS01")).toMatchObject({ result_code: "SUCCESS" });
});
