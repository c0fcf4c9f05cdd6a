import * as z from "zod";
import { DELIVERY_EVENTS } from "../domain/states.ts";
import { mustBe, requiredOr } from "./common-schema.ts";

const CURSOR = /^(pay|refund|close)\.(\d{1,15})\.(\d{1,15})$/;
const CURSOR_FAULT = "must be the nextCursor of an earlier response to the same request";

/** Where the next request continues: the list, and the last delivery of it in this response. */
const cursorField = z
  .string({ error: CURSOR_FAULT })
  .regex(CURSOR, { error: CURSOR_FAULT })
  .transform((text) => {
    const [, event, lastCallAt, id] = CURSOR.exec(text) ?? [];
    return {
      event: DELIVERY_EVENTS.find((name) => name === event) ?? "pay",
      after: { lastCallAt: Number(lastCallAt), id: Number(id) },
    };
  });

/** Body of POST /admin/deliveries/redeliver. `since` is in Unix ms. */
export const bulkRedelivery = z
  .strictObject({
    since: z
      .int({ error: requiredOr("must be a whole number of milliseconds") })
      .min(0, { error: "must not be negative" }),
    appId: z.int({ error: "must be a whole number" }).positive().optional(),
    event: z.enum(DELIVERY_EVENTS, { error: mustBe(DELIVERY_EVENTS) }).optional(),
    cursor: cursorField.optional(),
  })
  .refine(({ event, cursor }) => event === undefined || (cursor?.event ?? event) === event, {
    error: CURSOR_FAULT,
    path: ["cursor"],
  });

export type BulkRedelivery = z.infer<typeof bulkRedelivery>;
