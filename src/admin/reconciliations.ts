import { Hono, type Context } from "hono";
import type { Database } from "../db/database.ts";
import { anyWechatAppId } from "../db/day-trades.ts";
import { getMerchant } from "../db/merchants.ts";
import {
  findReconciliation,
  findReconciliationOf,
  locateReconciliations,
  readReconciliationPage,
  type DayOfMerchant,
  type ReconciliationRow,
} from "../db/reconciliations.ts";
import { yuanOf } from "../domain/yuan.ts";
import type { GatewayEnv } from "../env.ts";
import { textCell } from "../lib/csv.ts";
import { log } from "../observability/log.ts";
import { reconciliationObject } from "../reconciliation/schedule.ts";
import { exportCsv, timeCell, type ExportedList } from "./export.ts";
import { conflict, notFound, refuse, validationFailed } from "./errors.ts";
import { validate, readBody } from "./body.ts";
import { BY_ID } from "./paths.ts";
import {
  reconciliation,
  reconciliationExport,
  reconciliationQuery,
} from "./reconciliation-schema.ts";

/** Checks whether a day has ended, and the ms between them: ten seconds in total. */
const MAX_CHECKS = 20;
const CHECK_INTERVAL_MS = 500;

const NO_MERCHANT = validationFailed({ path: "merchantId", message: "no merchant has this id" });
const NO_APP = conflict("This merchant has no app, so there is nothing to reconcile.", [
  { path: "merchantId", message: "has no app" },
]);
const UNAVAILABLE = {
  code: "internal",
  message: "The day can't be started now; see the log. Repeating is safe.",
  fields: [],
} as const;

/** `/admin/reconciliations`: a merchant's days compared with WeChat's bills. */
export const reconciliationRoutes = new Hono<GatewayEnv>();

reconciliationRoutes.post("/", async (c) => {
  const body = await readBody(c.req.raw, reconciliation(Date.now()));
  if (!body.ok) return refuse(c, body.error);
  const { merchantId, day } = body.value;
  const db = c.get("work").db;
  if ((await getMerchant(db, merchantId)) === null) return refuse(c, NO_MERCHANT);
  if ((await anyWechatAppId(db, merchantId)) === null) return refuse(c, NO_APP);
  const started = await reconciliationObject(c.env, body.value).start(
    merchantId,
    day,
    c.get("requestId"),
  );
  log("info", "reconciliation_by_hand", {
    requestId: c.get("requestId"),
    merchant: merchantId,
    day,
    started,
  });
  if (started === "unavailable") return refuse(c, UNAVAILABLE);
  const row = await waitForEnd(db, body.value);
  return c.json(row, row?.state === "running" ? 202 : 200);
});

reconciliationRoutes.get("/", async (c) => {
  const query = validate(c.req.query(), reconciliationQuery);
  if (!query.ok) return refuse(c, query.error);
  const { limit, cursor: beforeId, ...filter } = query.value;
  const db = c.get("work").openReplica();
  const found = await locateReconciliations(db, filter);
  return c.json(await readReconciliationPage(db, filter, found, { beforeId, limit }));
});

reconciliationRoutes.get(BY_ID, async (c) => {
  const row = await findReconciliation(c.get("work").db, Number(c.req.param("id")));
  return row === null
    ? refuse(c, notFound("There is no reconciliation with this id."))
    : c.json(row);
});

/** The day's row once the day has ended, or its current state after ten seconds. */
async function waitForEnd(db: Database, day: DayOfMerchant): Promise<ReconciliationRow | null> {
  let row = await findReconciliationOf(db, day);
  for (let check = 0; row?.state === "running" && check < MAX_CHECKS; check += 1) {
    await new Promise((resolve) => setTimeout(resolve, CHECK_INTERVAL_MS));
    row = await findReconciliationOf(db, day);
  }
  return row;
}

/** GET /admin/reconciliations.csv */
export async function exportReconciliations(c: Context<GatewayEnv>): Promise<Response> {
  const query = validate(c.req.query(), reconciliationExport);
  if (!query.ok) return refuse(c, query.error);
  const filter = query.value;
  const db = c.get("work").openReplica();
  const found = await locateReconciliations(db, filter);
  return await exportCsv(
    c,
    RECONCILIATIONS,
    found,
    async (page) => await readReconciliationPage(db, filter, found, page),
  );
}

/** Amounts in yuan, times in Beijing. */
const RECONCILIATIONS: ExportedList<ReconciliationRow> = {
  name: "reconciliations",
  narrowing: ["merchantId", "days", "choose one merchant"],
  columns: [
    ["id", ({ id }) => id],
    ["merchantId", ({ merchantId }) => merchantId],
    ["day", ({ day }) => day],
    ["state", ({ state }) => state],
    ["reason", ({ reason }) => textCell(reason)],
    ["attempts", ({ attempts }) => attempts],
    ["billPayments", ({ billPayments }) => billPayments],
    ["billPaidYuan", ({ billPaidFen }) => yuanOf(billPaidFen)],
    ["billRefunds", ({ billRefunds }) => billRefunds],
    ["billRefundedYuan", ({ billRefundedFen }) => yuanOf(billRefundedFen)],
    ["ourPayments", ({ ourPayments }) => ourPayments],
    ["ourPaidYuan", ({ ourPaidFen }) => yuanOf(ourPaidFen)],
    ["ourRefunds", ({ ourRefunds }) => ourRefunds],
    ["ourRefundedYuan", ({ ourRefundedFen }) => yuanOf(ourRefundedFen)],
    ["recovered", ({ recovered }) => recovered],
    ["discrepancies", ({ discrepancies }) => discrepancies],
    ["retryAt", ({ retryAt }) => timeCell(retryAt)],
    ["startedAt", ({ startedAt }) => timeCell(startedAt)],
    ["finishedAt", ({ finishedAt }) => timeCell(finishedAt)],
    ["updatedAt", ({ updatedAt }) => timeCell(updatedAt)],
  ],
};
