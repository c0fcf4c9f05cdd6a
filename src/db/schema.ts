import { sql } from "drizzle-orm";
import { check, index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { REQUEST_SIGNATURE_MODES } from "../contract/request-signature/policy.ts";
import { REQUEST_KEY_ALGORITHMS } from "../contract/request-signature/request-key.ts";
import { INCIDENT_KINDS, type IncidentFacts } from "../domain/incidents.ts";
import {
  FUNDS_ACCOUNTS,
  NOTIFY_STATES,
  PAY_STATES,
  RECONCILIATION_STATES,
  REFUND_FUNDS,
  REFUND_RELEASES,
  REFUND_SOURCES,
  REFUND_STATES,
} from "../domain/states.ts";
import { PROTOCOLS, SIGN_TYPES, V2_SIGN_TYPES, VERIFY_KEY_KINDS } from "../wechat/types.ts";
import {
  CLOSE_CALL_PLANNED,
  CLOSE_FAILING,
  NO_CLOSE_CALL_PLANNED,
  NO_PAYMENT_CALL_PLANNED,
  NO_REFUND_CALL_PLANNED,
  PAYMENT_CALL_PLANNED,
  PAYMENT_FAILING,
  REFUND_CALL_PLANNED,
  REFUND_FAILING,
  REFUND_UNFINISHED,
} from "./conditions.ts";

/**
 * D1 is the record: current state only, one row per fact. Times are Unix ms, money is integer fen.
 * Columns that end in `_sealed` hold secrets encrypted under MASTER_KEY (lib/secret-box.ts). No
 * foreign key cascades: a table rebuilt by a migration would silently empty its children.
 */

/** A merchant of WeChat Pay: the account that receives the money. */
export const merchants = sqliteTable("merchants", {
  id: integer().primaryKey(),
  name: text().notNull(),
  mchId: text("mch_id").notNull().unique("merchants_mch_id"),
  /** For new orders; an existing order keeps its own. */
  protocol: text({ enum: PROTOCOLS }).notNull(),
  /** For new orders of APIv2. Null without `api_key_sealed`. */
  signType: text("sign_type", { enum: V2_SIGN_TYPES }),
  /** APIv2's credentials; null when the merchant has none. */
  apiKeySealed: text("api_key_sealed"),
  /** Name of the mTLS binding that presents the merchant's certificate on refunds. */
  certBinding: text("cert_binding"),
  /** For new refunds, and those that WeChat refused; see domain/states.ts. */
  refundFunds: text("refund_funds", { enum: REFUND_FUNDS }).notNull().default("unsettled"),
  /** APIv3's credentials, all three or none. */
  apiV3KeySealed: text("api_v3_key_sealed"),
  merchantSerialNo: text("merchant_serial_no"),
  merchantPrivateKeySealed: text("merchant_private_key_sealed"),
  /** When the schedule last fetched the platform certificates. */
  certificatesCheckedAt: integer("certificates_checked_at"),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/**
 * The keys that verify WeChat's signatures for a merchant (APIv3). All keys of a merchant are valid
 * at the same time. They are not secret.
 */
export const verifyKeys = sqliteTable(
  "verify_keys",
  {
    id: integer().primaryKey(),
    merchantId: integer("merchant_id")
      .notNull()
      .references(() => merchants.id),
    /** Exactly as `Wechatpay-Serial` names it. */
    keyId: text("key_id").notNull(),
    kind: text({ enum: VERIFY_KEY_KINDS }).notNull(),
    /** SPKI, in PEM. */
    publicKeyPem: text("public_key_pem").notNull(),
    /** Dates of a certificate; a public key has none. */
    notBefore: integer("not_before"),
    notAfter: integer("not_after"),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [uniqueIndex("verify_keys_merchant_key").on(table.merchantId, table.keyId)],
);

/** A company's own app that takes payments through the gateway. Its id is the contract's `appId`. */
export const apps = sqliteTable(
  "apps",
  {
    id: integer().primaryKey(),
    name: text().notNull(),
    merchantId: integer("merchant_id")
      .notNull()
      .references(() => merchants.id),
    wechatAppId: text("wechat_app_id").notNull(),
    payNotifyUrl: text("pay_notify_url").notNull(),
    refundNotifyUrl: text("refund_notify_url").notNull(),
    enabled: integer({ mode: "boolean" }).notNull(),
    saltSealed: text("salt_sealed").notNull(),
    /** Valid together with the new one until `old_salt_expires_at`. */
    oldSaltSealed: text("old_salt_sealed"),
    oldSaltExpiresAt: integer("old_salt_expires_at"),
    /** Accepted too, but signs nothing until it is activated (apps-staged-salt.ts). */
    stagedSaltSealed: text("staged_salt_sealed"),
    saltStagedAt: integer("salt_staged_at"),
    webhookSecretSealed: text("webhook_secret_sealed").notNull(),
    oldWebhookSecretSealed: text("old_webhook_secret_sealed"),
    oldWebhookSecretExpiresAt: integer("old_webhook_secret_expires_at"),
    /** Anything but `off` requires a row in `request_keys`. */
    requestSignature: text("request_signature", { enum: REQUEST_SIGNATURE_MODES })
      .notNull()
      .default("off"),
    /** What the app's requests must have or may do; all off by default. */
    requireAppOrderNo: integer("require_app_order_no", { mode: "boolean" })
      .notNull()
      .default(false),
    requireAppRefundNo: integer("require_app_refund_no", { mode: "boolean" })
      .notNull()
      .default(false),
    /** Addresses and CIDR ranges (domain/address-range.ts), as a JSON array; null: any address. */
    allowedAddresses: text("allowed_addresses", { mode: "json" }).$type<readonly string[]>(),
    canRefund: integer("can_refund", { mode: "boolean" }).notNull().default(true),
    /** What its refunds of one day in Beijing may add up to; null: no limit. */
    maxRefundFenPerDay: integer("max_refund_fen_per_day"),
    /** Whether the app is called about orders that end unpaid. */
    notifyFailed: integer("notify_failed", { mode: "boolean" }).notNull().default(false),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [index("apps_merchant").on(table.merchantId)],
);

/** The keys of an app's request signatures (RFC 9421). All of an app's keys are valid side by side. */
export const requestKeys = sqliteTable(
  "request_keys",
  {
    id: integer().primaryKey(),
    appId: integer("app_id")
      .notNull()
      .references(() => apps.id),
    /** The signature's `keyid`: 32 hex characters. */
    keyId: text("key_id").notNull().unique("request_keys_key_id"),
    algorithm: text({ enum: REQUEST_KEY_ALGORITHMS }).notNull(),
    /** SPKI, in PEM; null for HMAC. */
    publicKeyPem: text("public_key_pem"),
    /** The base64 of 32 bytes; null for Ed25519. */
    secretSealed: text("secret_sealed"),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [
    index("request_keys_app").on(table.appId),
    check(
      "request_keys_material",
      sql`(public_key_pem is not null) = (algorithm = 'ed25519') and (secret_sealed is not null) = (algorithm = 'hmac-sha256')`,
    ),
  ],
);

/** A payer of one app. Its id is the contract's `user_id`. */
export const users = sqliteTable(
  "users",
  {
    id: integer().primaryKey(),
    appId: integer("app_id")
      .notNull()
      .references(() => apps.id),
    openId: text("open_id").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [uniqueIndex("users_app_open_id").on(table.appId, table.openId)],
);

/**
 * An order with all parameters sent to WeChat: a repeat must send exactly the same values (W-20), so
 * it is built from this row.
 */
export const orders = sqliteTable(
  "orders",
  {
    /** The contract's `order_id`. */
    id: integer().primaryKey(),
    /** The contract's `pay_order_number`, WeChat's `out_trade_no`: 32 hex characters. */
    number: text().notNull().unique("orders_number"),
    appId: integer("app_id")
      .notNull()
      .references(() => apps.id),
    merchantId: integer("merchant_id")
      .notNull()
      .references(() => merchants.id),
    userId: integer("user_id")
      .notNull()
      .references(() => users.id),
    protocol: text({ enum: PROTOCOLS }).notNull(),
    signType: text("sign_type", { enum: SIGN_TYPES }).notNull(),
    wechatAppId: text("wechat_app_id").notNull(),
    appOrderNo: text("app_order_no"),
    desc: text().notNull(),
    totalFen: integer("total_fen").notNull(),
    tag: text().notNull(),
    attach: text(),
    clientIp: text("client_ip").notNull(),
    /** Stored with the order: another notify URL in a repeat may be refused (W-20). */
    notifyUrl: text("notify_url").notNull(),
    payState: text("pay_state", { enum: PAY_STATES }).notNull(),
    transactionId: text("transaction_id"),
    paidAt: integer("paid_at"),
    payNotifyState: text("pay_notify_state", { enum: NOTIFY_STATES }).notNull(),
    payNotifyNumber: integer("pay_notify_number").notNull(),
    expiresAt: integer("expires_at").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    /**
     * The id of the first order with the same transaction, for orders that shared one before
     * `orders_merchant_transaction` existed; null otherwise.
     */
    transactionDuplicateOf: integer("transaction_duplicate_of"),
    /**
     * When the app is called again after failed calls. Null before the first call, once the app has
     * confirmed and when the schedule has ended; also in rows from before this column.
     */
    nextCallAt: integer("next_call_at"),
    /** When the app or the operator first asked to withdraw the order; null: never. */
    closeRequestedAt: integer("close_requested_at"),
    /**
     * The delivery of `event=close`, by itself: a later payment has its own. Null when the app isn't
     * called about it: the order hasn't ended unpaid, or `apps.notify_failed` was off when it did.
     */
    closeNotifyState: text("close_notify_state", { enum: NOTIFY_STATES }),
    closeNotifyNumber: integer("close_notify_number").notNull().default(0),
    /** As `next_call_at`, about `event=close`. */
    closeNextCallAt: integer("close_next_call_at"),
  },
  (table) => [
    uniqueIndex("orders_app_order_no")
      .on(table.appId, table.appOrderNo)
      .where(sql`app_order_no is not null`),
    // A merchant's payments of a day, for reconciliation. Costs one row written per payment.
    index("orders_merchant_paid")
      .on(table.merchantId, table.paidAt)
      .where(sql`paid_at is not null`),
    // A transaction pays one order of a merchant. Costs one row written per payment ($1 a million).
    // A query uses it only with `transaction_duplicate_of is null` spelled out.
    uniqueIndex("orders_merchant_transaction")
      .on(table.merchantId, table.transactionId)
      .where(sql`transaction_id is not null and transaction_duplicate_of is null`),
    // The orders that the index above leaves out, for searches. No order of today gets a row here.
    index("orders_transaction_duplicate")
      .on(table.transactionId)
      .where(sql`transaction_duplicate_of is not null`),
    // Empty while apps confirm the first call, so they cost nothing then. Redelivery's list, and the
    // sweep's two: an order is in one of those.
    index("orders_failing").on(table.updatedAt).where(PAYMENT_FAILING),
    index("orders_next_call").on(table.appId, table.nextCallAt).where(PAYMENT_CALL_PLANNED),
    index("orders_no_next_call").on(table.appId, table.updatedAt).where(NO_PAYMENT_CALL_PLANNED),
    // Likewise of calls about orders that ended unpaid.
    index("orders_close_failing").on(table.updatedAt).where(CLOSE_FAILING),
    index("orders_close_next_call")
      .on(table.appId, table.closeNextCallAt)
      .where(CLOSE_CALL_PLANNED),
    index("orders_close_no_next_call")
      .on(table.appId, table.updatedAt)
      .where(NO_CLOSE_CALL_PLANNED),
    check("orders_total_positive", sql`total_fen > 0`),
  ],
);

/**
 * A refund, written before WeChat is called. Its number never changes. Each refund reserves its
 * amount until it is `closed` or released, so that an order's refunds never exceed the payment.
 */
export const refunds = sqliteTable(
  "refunds",
  {
    id: integer().primaryKey(),
    orderId: integer("order_id")
      .notNull()
      .references(() => orders.id),
    appId: integer("app_id").notNull(),
    /** The contract's `refund_no`, WeChat's `out_refund_no`: 32 hex characters. */
    number: text().notNull().unique("refunds_number"),
    appRefundNo: text("app_refund_no"),
    refundFen: integer("refund_fen").notNull(),
    /** Stored with the refund: a repeat must send the same parameters (W-39). */
    notifyUrl: text("notify_url").notNull(),
    /** See domain/states.ts. */
    state: text({ enum: REFUND_STATES }).notNull(),
    /** WeChat's number. */
    refundId: text("refund_id"),
    notifyState: text("notify_state", { enum: NOTIFY_STATES }).notNull(),
    notifyNumber: integer("notify_number").notNull(),
    succeededAt: integer("succeeded_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    source: text({ enum: REFUND_SOURCES }).notNull().default("app"),
    /** When WeChat's answer to the request accepted it; null when only a query reported it. */
    acceptedAt: integer("accepted_at"),
    /** When the app last had it sent again after WeChat had refused it; null: never. */
    resentAt: integer("resent_at"),
    /** As `orders.next_call_at`, about the refund's present state. */
    nextCallAt: integer("next_call_at"),
    /** Only of a refund in state `refused`; null while it reserves its amount. */
    released: text({ enum: REFUND_RELEASES }),
    /** Shown to the payer by WeChat. Stored with the refund, as `notify_url`. */
    reason: text(),
    /** The account named to WeChat; null: none. Stored with the refund, as `notify_url`. */
    fundsAccount: text("funds_account", { enum: FUNDS_ACCOUNTS }),
  },
  (table) => [
    index("refunds_order").on(table.orderId),
    // An app's refunds of a day, for its limit. Costs one row written per refund ($1 a million). A
    // query must spell out the expression and the condition to use it. Without coalesce(): drizzle-kit
    // splits an expression at its commas.
    index("refunds_app_day")
      .on(table.appId, sql`case when resent_at is null then created_at else resent_at end`)
      .where(sql`source = 'app'`),
    // A day's refunds, for reconciliation.
    index("refunds_created").on(table.createdAt),
    // The sweep's list. Costs a row written for each change until the app has confirmed.
    index("refunds_open_by_app").on(table.appId, table.updatedAt).where(REFUND_UNFINISHED),
    // As the three of orders.
    index("refunds_failing").on(table.updatedAt).where(REFUND_FAILING),
    index("refunds_next_call").on(table.appId, table.nextCallAt).where(REFUND_CALL_PLANNED),
    index("refunds_no_next_call").on(table.appId, table.updatedAt).where(NO_REFUND_CALL_PLANNED),
    uniqueIndex("refunds_app_refund_no")
      .on(table.appId, table.appRefundNo)
      .where(sql`app_refund_no is not null`),
    // Searches by WeChat's number. Costs two rows written per refund ($2 a million): its
    // acceptance and its outcome both set the column.
    index("refunds_refund_id")
      .on(table.refundId)
      .where(sql`refund_id is not null`),
    check("refunds_positive", sql`refund_fen > 0`),
  ],
);

/**
 * A problem for the operator (domain/incidents.ts). At most one open row per kind and subject: a
 * repetition is counted there.
 */
export const incidents = sqliteTable(
  "incidents",
  {
    id: integer().primaryKey(),
    kind: text({ enum: INCIDENT_KINDS }).notNull(),
    /** Unique within its kind: an order's or a refund's number, a line of a bill. */
    subject: text().notNull(),
    merchantId: integer("merchant_id"),
    orderNumber: text("order_number"),
    /** Plain facts, as a JSON object. Never a secret, never an openId. */
    facts: text({ mode: "json" }).$type<IncidentFacts>().notNull(),
    /** Number of times it was seen while open. */
    seen: integer().notNull(),
    createdAt: integer("created_at").notNull(),
    lastSeenAt: integer("last_seen_at").notNull(),
    resolvedAt: integer("resolved_at"),
    /** The operator's note on the resolution, or the gateway's. */
    note: text(),
    /** The request that last detected it; null for an alarm or a job. */
    requestId: text("request_id"),
  },
  (table) => [
    uniqueIndex("incidents_open")
      .on(table.kind, table.subject)
      .where(sql`resolved_at is null`),
  ],
);

/** One merchant's bill of one day in Beijing, compared with the record. */
export const reconciliations = sqliteTable(
  "reconciliations",
  {
    id: integer().primaryKey(),
    merchantId: integer("merchant_id")
      .notNull()
      .references(() => merchants.id),
    /** `YYYY-MM-DD`, in Beijing. */
    day: text().notNull(),
    state: text({ enum: RECONCILIATION_STATES }).notNull(),
    /** Why it waits or failed, for the operator. */
    reason: text(),
    attempts: integer().notNull(),
    retryAt: integer("retry_at"),
    /** From WeChat's bill: successful payments, and refunds by the requested amount. */
    billPayments: integer("bill_payments").notNull(),
    billPaidFen: integer("bill_paid_fen").notNull(),
    billRefunds: integer("bill_refunds").notNull(),
    billRefundedFen: integer("bill_refunded_fen").notNull(),
    /** From D1 for the same day, after missed outcomes were recorded. */
    ourPayments: integer("our_payments").notNull(),
    ourPaidFen: integer("our_paid_fen").notNull(),
    ourRefunds: integer("our_refunds").notNull(),
    ourRefundedFen: integer("our_refunded_fen").notNull(),
    /**
     * From the bill: lines of other systems on the same merchant number, and their payments and
     * refunds. They are in the bill's totals too.
     */
    foreignLines: integer("foreign_lines").notNull().default(0),
    foreignFen: integer("foreign_fen").notNull().default(0),
    foreignRefundFen: integer("foreign_refund_fen").notNull().default(0),
    /** Outcomes that D1 had missed and the reconciliation recorded. */
    recovered: integer().notNull(),
    /** Unexplained differences; each is an incident, up to a limit. */
    discrepancies: integer().notNull(),
    startedAt: integer("started_at").notNull(),
    finishedAt: integer("finished_at"),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [uniqueIndex("reconciliations_merchant_day").on(table.merchantId, table.day)],
);

/** A place in a list that is ordered by `at`, then by id: the rows after it. */
export interface Position {
  /** The value that the list is ordered by: a time or the id itself. */
  readonly at: number;
  readonly id: number;
}

/** Where a scan continues in one app's rows. */
export interface AppPosition extends Position {
  readonly appId: number;
}

/**
 * The progress of the scheduled jobs: `schedule` is the time of the last run; a scan of the sweep
 * (sweep/scans.ts) stores an order's id or a time.
 */
export const cursors = sqliteTable("cursors", {
  name: text({
    enum: [
      "schedule",
      "sweep_order",
      "sweep_new_order",
      "sweep_refund",
      "sweep_new_refund",
      "sweep_failing",
      "sweep_failing_refund",
      "sweep_call",
      "sweep_refund_call",
      "sweep_failing_close",
      "sweep_close_call",
    ],
  }).primaryKey(),
  value: integer().notNull(),
  updatedAt: integer("updated_at").notNull(),
  /** Of a scan: the apps that had more rows than their share, and where each continues. */
  behind: text({ mode: "json" }).$type<readonly AppPosition[]>().notNull().default([]),
});
