import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { openTables } from "../src/ledger/schema.ts";
import { control, freshSandbox, placeOrder } from "./helpers.ts";

test("what a sandbox stored before it spoke APIv3 is forgotten, and it works on", async () => {
  await freshSandbox();
  await runInDurableObject(env.LEDGER.getByName("wechat"), (_ledger, { storage }) => {
    storage.sql.exec("drop table orders");
    storage.sql.exec("create table orders (mch_id text, out_trade_no text, params text)");
    storage.sql.exec("insert into orders values ('1', 'OLD', '{}')");
    openTables(storage.sql);
    openTables(storage.sql);
    expect([...storage.sql.exec("select * from orders")]).toEqual([]);
  });
  await control("POST", "/reset");
  expect(await placeOrder("AFTERWARDS01")).toMatchObject({ result_code: "SUCCESS" });
});
