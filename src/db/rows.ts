import type { orders, refunds } from "./schema.ts";

/** An order as stored. */
export type OrderRow = typeof orders.$inferSelect;

/** A refund as stored. */
export type RefundRow = typeof refunds.$inferSelect;
