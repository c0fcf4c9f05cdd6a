import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { objectOf } from "../../support/life.ts";
import type { Target } from "./target.ts";

/** All rows of all tables, as one text. */
export async function dumpD1(): Promise<string> {
  const { results: tables } = await env.DB.prepare(
    "select name from sqlite_master where type = 'table' and name not glob '_cf*' and name <> 'd1_migrations' order by name",
  ).all<{ name: string }>();
  const rows = await env.DB.batch(
    tables.map(({ name }) => env.DB.prepare(`select * from "${name}" order by rowid`)),
  );
  return JSON.stringify(rows.map(({ results }, at) => [tables[at]?.name, results]));
}

/** The ids of all orders' objects, and the contents of those of the target's orders. */
export async function dumpObjects({ orders }: Target): Promise<string> {
  const ids = await listDurableObjectIds(env.ORDER_OBJECT);
  const histories = await Promise.all(
    Object.values(orders).map(async (order) => JSON.stringify(await objectOf(order).history())),
  );
  return [...ids.map(String).toSorted(), ...histories].join("\n");
}

/** The timelines of all orders, those that the corpus has created included. */
export async function dumpTimelines(): Promise<string> {
  const ids = await listDurableObjectIds(env.ORDER_OBJECT);
  const histories = await Promise.all(
    ids.map(async (id) => await env.ORDER_OBJECT.get(id).history()),
  );
  return JSON.stringify(histories);
}
