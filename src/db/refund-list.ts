import { and, desc, eq, sql, type SQL } from "drizzle-orm";
import { err, ok, type Result } from "../lib/result.ts";
import { isLiveRefund, REFUND_UNFINISHED } from "./conditions.ts";
import type { Database } from "./database.ts";
import {
  allOf,
  endOfIds,
  FIRST_ID,
  idFrom,
  idPageOf,
  idUntil,
  locate,
  MAX_SUMMED_ROWS,
  partOf,
  sizeOf,
  type IdPage,
  type IndexedSet,
  type ListPart,
  type PageRequest,
  type TooMany,
  type Whereabouts,
} from "./id-range.ts";
import type { OrderRow, RefundRow } from "./rows.ts";
import { orders, refunds } from "./schema.ts";

/** The filter of the admin API's list of refunds; absent fields match everything. */
export interface RefundFilter {
  readonly appId?: number | undefined;
  readonly merchantId?: number | undefined;
  readonly state?: RefundRow["state"] | undefined;
  /** Unix ms, inclusive. */
  readonly createdFrom?: number | undefined;
  /** Unix ms, exclusive. */
  readonly createdBefore?: number | undefined;
}

/** A refund with what identifies its order. */
export type ListedRefund = RefundRow &
  Pick<OrderRow, "merchantId" | "appOrderNo" | "transactionId"> & { readonly orderNumber: string };

/** Amounts of all refunds that match a filter, whatever the page. */
export interface RefundSums {
  readonly refunds: number;
  readonly refundFen: number;
  /** The part that was refunded or is being refunded: as the contract's `refund_free`. */
  readonly refundedFen: number;
}

/** A page of refunds, newest first, and with `withSums` the sums of the whole list: two trips. */
export async function listAllRefunds(
  db: Database,
  filter: RefundFilter,
  page: PageRequest,
  withSums = false,
): Promise<Result<IdPage<ListedRefund> & { readonly sums?: RefundSums }, TooMany>> {
  const found = await locateRefunds(db, filter);
  if (!withSums) return ok(await readRefundPage(db, filter, found, page));
  if (sizeOf(found) > MAX_SUMMED_ROWS) return err({ limit: MAX_SUMMED_ROWS });
  const part = partOf(refunds, found, page.beforeId);
  const [rows, [sums]] = await db.batch([
    pageQuery(db, filter, part, page.limit),
    sumQuery(db, filter, allOf(refunds, found)),
  ]);
  return ok({
    ...idPageOf(rows.map(toListed), page.limit, part),
    sums: { refunds: 0, refundFen: 0, refundedFen: 0, ...sums },
  });
}

/** A page of the refunds that `locateRefunds` has found: one trip. */
export async function readRefundPage(
  db: Database,
  filter: RefundFilter,
  found: Whereabouts,
  { beforeId, limit }: PageRequest,
): Promise<IdPage<ListedRefund>> {
  const part = partOf(refunds, found, beforeId);
  const rows = await pageQuery(db, filter, part, limit);
  return idPageOf(rows.map(toListed), limit, part);
}

/** Where the refunds of this filter are: one trip. */
export async function locateRefunds(db: Database, filter: RefundFilter): Promise<Whereabouts> {
  const { createdFrom, createdBefore, state } = filter;
  const bounds = {
    from: createdFrom === undefined ? FIRST_ID : idFrom(refunds, createdFrom),
    until: createdBefore === undefined ? endOfIds(refunds) : idUntil(refunds, createdBefore),
  };
  return await locate(db, refunds, bounds, state === "abnormal" ? [abnormalRefunds("id")] : []);
}

/** The abnormal refunds, among the unfinished ones, which are few and have an index. */
export function abnormalRefunds(column: "id" | "order_id"): IndexedSet {
  const unfinished = sql`select r.${sql.identifier(column)} from ${refunds} r where ${REFUND_UNFINISHED}`;
  return { ids: sql`(${unfinished} and r.state = 'abnormal')`, read: unfinished };
}

function pageQuery(db: Database, filter: RefundFilter, part: ListPart, limit: number) {
  return db
    .select({
      refund: refunds,
      // Renamed: in a batch, D1 returns one of two columns with the same name.
      orderNumber: sql<string>`${orders.number}`.as("order_number"),
      merchantId: orders.merchantId,
      appOrderNo: orders.appOrderNo,
      transactionId: orders.transactionId,
    })
    .from(refunds)
    .innerJoin(orders, eq(orders.id, refunds.orderId))
    .where(and(part.within, conditionOf(filter)))
    .orderBy(desc(refunds.id))
    .limit(limit + 1);
}

function toListed({
  refund,
  ...order
}: { readonly refund: RefundRow } & Omit<ListedRefund, keyof RefundRow>): ListedRefund {
  return { ...refund, ...order };
}

function sumQuery(db: Database, filter: RefundFilter, { within }: ListPart) {
  return db
    .select({
      refunds: sql<number>`count(*)`,
      refundFen: sql<number>`coalesce(sum(${refunds.refundFen}), 0)`,
      refundedFen: sql<number>`coalesce(sum(case when ${isLiveRefund("refunds")}
        then ${refunds.refundFen} end), 0)`,
    })
    .from(refunds)
    .innerJoin(orders, eq(orders.id, refunds.orderId))
    .where(and(within, conditionOf(filter)));
}

/** The unary plus keeps SQLite on the primary key: other indexes have more rows than the part. */
function conditionOf(filter: RefundFilter): SQL | undefined {
  const { appId, merchantId, state, createdFrom, createdBefore } = filter;
  return and(
    appId === undefined ? undefined : eq(refunds.appId, appId),
    state === undefined ? undefined : eq(refunds.state, state),
    createdFrom === undefined ? undefined : sql`+${refunds.createdAt} >= ${createdFrom}`,
    createdBefore === undefined ? undefined : sql`+${refunds.createdAt} < ${createdBefore}`,
    merchantId === undefined ? undefined : sql`+${orders.merchantId} = ${merchantId}`,
  );
}
