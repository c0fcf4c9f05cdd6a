import { DurableObject } from "cloudflare:workers";
import { configOf, type Config } from "../config.ts";
import { serverFault, type Refusal } from "../contract/refusal.ts";
import type { OrderRow } from "../db/rows.ts";
import { nextPaymentPollAt } from "../domain/polling.ts";
import { NOT_ON_RECORD, ORDER_QUERY_LIMIT } from "../domain/query-limit.ts";
import type { RefundLimits } from "../domain/refund.ts";
import type { DeliveryEvent } from "../domain/states.ts";
import { err, type Result } from "../lib/result.ts";
import { describe, log } from "../observability/log.ts";
import { newMeter, type RequestMeter } from "../observability/request-meter.ts";
import { wechatFor } from "../settings/wechat-client.ts";
import { openWork } from "../settings/work-context.ts";
import type { Payment, PrepayAnswer } from "../wechat/types.ts";
import type { OrderContext } from "./context.ts";
import { deliver } from "./deliver.ts";
import { ensureTimers, type EnsuredTimers } from "./ensure-timers.ts";
import { LastRefund } from "./last-refund.ts";
import { logOperation, outcomeLabel, type Outcome } from "./operation-log.ts";
import { pollPayment } from "./poll-payment.ts";
import { recordPayment, type PaymentOutcome } from "./record-payment.ts";
import { QueryCounter } from "./query-counter.ts";
import { redeliver, type Redelivery } from "./redeliver.ts";
import {
  handleRefundNotification,
  type ExceededLimit,
  type RefundNotificationOutcome,
} from "./refunds/notification.ts";
import { pollRefund } from "./refunds/outcome.ts";
import { requestRefund, type ReasonedRequest } from "./refunds/request.ts";
import type { AcceptedRefund } from "./refunds/send.ts";
import { syncRefund } from "./refunds/sync.ts";
import { syncOrder, type SyncOutcome } from "./sync.ts";
import { Timeline, type TimelineEntry } from "./timeline.ts";
import { refundNoOf, Timers, type Timer } from "./timers.ts";
import { withdrawOrder, type Withdrawal, type Withdrawer } from "./withdraw.ts";
import { WorkQueue } from "./work-queue.ts";

/** A timer whose flow threw (D1 away, say) runs again after this long. */
const FAULT_RETRY_MS = 60_000;

/** Refund notifications that wait, each about another number. More could make no query in a minute. */
const MAX_WAITING_NOTIFICATIONS = ORDER_QUERY_LIMIT.perMinute;

/** The operation threw (D1 away, say); the log has the error. */
type Unavailable = { readonly kind: "unavailable" };

/** A Worker that is being replaced by this version passes no limits. */
const NO_LIMITS: RefundLimits = { canRefund: true, maxRefundFenPerDay: null };

const FAULT = serverFault("网关内部错误。重复本请求是安全的，不会重复退款", "internal-error");

/** An order's timeline and its armed timers, for the back-office. */
export interface OrderHistory {
  readonly entries: TimelineEntry[];
  readonly timers: {
    readonly kind: string;
    /** Null for a timer of the order itself. */
    readonly refundNo: string | null;
    readonly dueAt: number;
    readonly attempt: number;
  }[];
}

/**
 * One order, named by its number (`pay_order_number`): serialises the flows that take several steps,
 * holds the order's timers and keeps its timeline. The decisions are in the flows, one file each.
 */
export class OrderObject extends DurableObject<Env> {
  readonly #config: Result<Config, readonly string[]>;
  readonly #timers: Timers;
  readonly #timeline: Timeline;
  readonly #lastRefund: LastRefund;
  /** The queries that refund notifications have caused. */
  readonly #queries: QueryCounter;
  /**
   * The flows of several steps. The object lets other calls in at every `await` of a fetch, so the
   * queue is what keeps two refunds of one order apart.
   */
  readonly #queue = new WorkQueue();
  /** Calls to the app about the order itself, apart from the work: a slow app must not delay that. */
  readonly #orderCalls = new WorkQueue();
  /** A withdrawal under way: a repeat joins it. */
  #withdrawal: Promise<Withdrawal | Unavailable> | null = null;
  /** Refund requests under way: a repeat joins the first instead of queueing. */
  readonly #refunds = new Map<string, Promise<Result<AcceptedRefund, Refusal>>>();
  /** A sync that waits in the queue. */
  #waitingSync: Promise<SyncOutcome> | null = null;
  /** Refund notifications that wait in the queue: a repeat joins the one that waits. */
  readonly #notifications = new Map<string, Promise<RefundNotificationOutcome | Unavailable>>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = configOf(env);
    this.#timers = new Timers(ctx.storage);
    this.#timeline = new Timeline(ctx.storage);
    this.#lastRefund = new LastRefund(ctx.storage);
    this.#queries = new QueryCounter(ctx.storage, ORDER_QUERY_LIMIT);
  }

  // Calls by other Workers. An error in them (D1 away) is logged here and answered as a value: a
  // thrown error would lose its class on the way, and the platform would print it, SQL included.
  // `requestId` names the request that caused the call, and is for logs and incidents alone.

  /** A new order: arms the timer that polls it until it is paid or expired. */
  async open(createdAt: number, expiresAt: number, prepay: PrepayAnswer["kind"]): Promise<void> {
    this.#timeline.add(Date.now(), "wechat.prepay", { answer: prepay });
    await this.#timers.armIfAbsent(
      { kind: "poll-payment" },
      nextPaymentPollAt({ createdAt, expiresAt }, 0, Date.now()),
    );
  }

  /** Records a payment that WeChat reported, verified. May be repeated; see record-payment.ts. */
  async recordPayment(
    payment: Payment,
    merchantId: number,
    requestId?: string,
  ): Promise<PaymentOutcome | Unavailable> {
    return await this.#guarded<PaymentOutcome | Unavailable>(
      newMeter(this.env, requestId),
      "record-payment",
      async (context) => await recordPayment(context, payment, merchantId, "notification"),
      { kind: "unavailable" },
    );
  }

  /** Closes the order if it is unpaid; see withdraw.ts. Calls during one under way join it. */
  async withdraw(by: Withdrawer, requestId?: string): Promise<Withdrawal | Unavailable> {
    if (this.#withdrawal !== null) return await this.#withdrawal;
    const withdrawal = this.#guarded<Withdrawal | Unavailable>(
      newMeter(this.env, requestId),
      "withdraw",
      async (context) => await this.#queue.run("own", async () => await withdrawOrder(context, by)),
      { kind: "unavailable" },
    ).finally(() => {
      this.#withdrawal = null;
    });
    this.#withdrawal = withdrawal;
    return await withdrawal;
  }

  /** Refunds this order for one of the apps. A repeat gets the same refund. */
  async requestRefund(
    appId: number,
    request: ReasonedRequest,
    requestId?: string,
    limits = NO_LIMITS,
  ): Promise<Result<AcceptedRefund, Refusal>> {
    const key = JSON.stringify([appId, request.refundFen, request.appRefundNo]);
    const underWay = this.#refunds.get(key);
    if (underWay !== undefined) return await underWay;
    const refund = this.#guarded<Result<AcceptedRefund, Refusal>>(
      newMeter(this.env, requestId),
      "request-refund",
      async (context) =>
        await this.#queue.run(
          "own",
          async () => await requestRefund(context, appId, request, limits),
        ),
      err(FAULT),
    ).finally(() => {
      this.#refunds.delete(key);
    });
    this.#refunds.set(key, refund);
    return await refund;
  }

  /**
   * A notification of this merchant says that a refund has moved on: queries WeChat, within limits
   * and after all other work. Repeats that arrive before the query are one query; one that arrives
   * during it may report something newer, so it waits for a query of its own.
   */
  async handleRefundNotification(
    refundNo: string,
    merchantId: number,
    requestId?: string,
  ): Promise<RefundNotificationOutcome | Unavailable> {
    const key = JSON.stringify([merchantId, refundNo]);
    const waiting = this.#notifications.get(key);
    if (waiting !== undefined) return await waiting;
    if (
      this.#notifications.size >= MAX_WAITING_NOTIFICATIONS ||
      this.#queries.isExhausted(Date.now())
    ) {
      return { kind: "limited", limit: "order-queries" };
    }
    const handled = this.#guarded<RefundNotificationOutcome | Unavailable>(
      newMeter(this.env, requestId),
      "handle-refund-notification",
      async (context) =>
        await this.#queue.run("notification", async () => {
          this.#notifications.delete(key);
          return await handleRefundNotification(
            context,
            { refundNo, merchantId },
            async (...query) => await this.#takeQuery(...query),
          );
        }),
      { kind: "unavailable" },
    ).finally(() => {
      // Failed before its turn came.
      if (this.#notifications.get(key) === handled) this.#notifications.delete(key);
    });
    this.#notifications.set(key, handled);
    return await handled;
  }

  /** Queries WeChat about a refund that the merchant's bill has; see refunds/sync.ts. */
  async syncRefund(refundNo: string, requestId?: string): Promise<void> {
    await this.#guarded<null>(
      newMeter(this.env, requestId),
      "sync-refund",
      async (context) =>
        await this.#queue.run("own", async () => await syncRefund(context, refundNo)),
      null,
    );
  }

  /**
   * Queries WeChat about everything that is open, before the app is answered. Calls that arrive before
   * the query are one query: otherwise a captured request, sent again and again, would keep the
   * order's refunds waiting. One that arrives during it may be about something newer, and waits for
   * its own.
   */
  async sync(requestId?: string, by: "query" | "bill" = "query"): Promise<SyncOutcome> {
    if (this.#waitingSync !== null) return await this.#waitingSync;
    const sync = this.#guarded<SyncOutcome>(
      newMeter(this.env, requestId),
      "sync",
      async (context) =>
        await this.#queue.run("own", async () => {
          this.#waitingSync = null;
          return await syncOrder(context, by);
        }),
      "unknown",
    ).finally(() => {
      // It failed before its turn came.
      if (this.#waitingSync === sync) this.#waitingSync = null;
    });
    this.#waitingSync = sync;
    return await sync;
  }

  /** Calls the app again, however earlier calls ended; see redeliver.ts. */
  async redeliver(
    event: DeliveryEvent,
    refundNo: string | null = null,
    delayMs = 0,
    requestId?: string,
  ): Promise<Redelivery> {
    return await this.#guarded<Redelivery>(
      newMeter(this.env, requestId),
      "redeliver",
      async (context) => await redeliver(context, event, refundNo, delayMs),
      "unavailable",
    );
  }

  /** Arms the timers that this order must have and lacks; see ensure-timers.ts. */
  async ensureTimers(delayMs: number): Promise<EnsuredTimers | "unavailable"> {
    return await this.#guarded<EnsuredTimers | "unavailable">(
      newMeter(this.env),
      "ensure-timers",
      async (context) => await ensureTimers(context, delayMs),
      "unavailable",
    );
  }

  /** Whether objects can be reached, for `/health`: reads the storage and stores nothing. */
  async ping(): Promise<void> {
    await this.ctx.storage.getAlarm();
  }

  /** The order's timeline and its armed timers. */
  history(): OrderHistory {
    return {
      entries: this.#timeline.entries(),
      timers: this.#timers.all().map((timer) => ({
        kind: timer.kind,
        refundNo: refundNoOf(timer),
        dueAt: timer.dueAt,
        attempt: timer.attempt,
      })),
    };
  }

  /**
   * Runs the due timers. Never throws: the platform repeats a failed alarm six times only, so a
   * timer whose flow throws is postponed instead.
   */
  override async alarm(): Promise<void> {
    const startedAt = Date.now();
    const meter = newMeter(this.env);
    const due = this.#timers.beginAlarm(startedAt);
    let outcome = "done";
    await Promise.all(
      due.map(async (timer) => {
        try {
          await this.#run(timer, meter);
        } catch (error) {
          outcome = "failed";
          log("error", "timer_failed", {
            order: this.ctx.id.name,
            timer: timer.kind,
            error: describe(error),
          });
          const armed = this.#timers.find(timer);
          if (armed !== undefined) await this.#timers.putOff(armed, Date.now() + FAULT_RETRY_MS);
        }
      }),
    );
    await this.#timers.endAlarm();
    const timers = due.map(({ kind }) => kind).join(",");
    logOperation(meter, { operation: "alarm", order: this.#number(), timers, outcome, startedAt });
  }

  async #run(timer: Timer, meter: RequestMeter): Promise<void> {
    const context = this.#context(meter);
    switch (timer.kind) {
      case "poll-payment":
        await this.#queue.run("own", async () => {
          await pollPayment(context, timer);
        });
        return;
      case "poll-refund":
        await this.#queue.run("own", async () => {
          await pollRefund(context, timer);
        });
        return;
      case "deliver-payment":
      case "deliver-close":
        // One after the other: the close must not reach the app after the payment.
        await this.#orderCalls.run("own", async () => {
          await deliver(context, timer);
        });
        return;
      case "deliver-refund":
        // Outside the queue: a slow app delays only its own callbacks.
        await deliver(context, timer);
        return;
    }
  }

  /** Runs `work` and logs it; when it throws, the log has the error and the caller gets `fallback`. */
  async #guarded<T extends Outcome>(
    meter: RequestMeter,
    operation: string,
    work: (context: OrderContext) => Promise<T>,
    fallback: T,
  ): Promise<T> {
    const startedAt = Date.now();
    const order = this.ctx.id.name;
    let outcome = fallback;
    try {
      outcome = await work(this.#context(meter));
    } catch (error) {
      const { requestId } = meter;
      log("error", "order_operation_failed", {
        requestId,
        order,
        operation,
        error: describe(error),
      });
    }
    logOperation(meter, { operation, order, outcome: outcomeLabel(outcome), startedAt });
    return outcome;
  }

  /** Counts a query that a refund notification causes. Returns the limit that forbids it, if any. */
  async #takeQuery(merchantId: number, share: string): Promise<ExceededLimit | null> {
    if (!this.#queries.take(share, Date.now())) return "order-queries";
    const ofMerchant = this.env.QUERY_LIMIT_OBJECT.getByName(String(merchantId));
    const within = await ofMerchant.take(share === NOT_ON_RECORD ? share : null);
    return within ? null : "merchant-queries";
  }

  /** The object's name, which an alarm knows too (Cloudflare: `ctx.id.name`, since March 2026). */
  #number(): string {
    const { name } = this.ctx.id;
    if (name === undefined) throw new Error("an order's object without a name");
    return name;
  }

  #context(meter: RequestMeter): OrderContext {
    if (!this.#config.ok) throw new Error(`not configured: ${this.#config.error.join("; ")}`);
    const work = openWork(this.env, this.#config.value, meter);
    const { config, db, settings } = work;
    const merchantOf = async ({ merchantId }: OrderRow) => {
      const merchant = await settings.merchant(merchantId);
      if (!merchant.ok) throw new Error(`the order's merchant is ${merchant.error}`);
      return merchant.value;
    };
    return {
      number: this.#number(),
      meter,
      config,
      db,
      timers: this.#timers,
      timeline: this.#timeline,
      lastRefund: this.#lastRefund,
      wechatOf: async (order: OrderRow) => wechatFor(work, await merchantOf(order), order.protocol),
      refundFundsOf: async (order: OrderRow) => (await merchantOf(order)).refundFunds,
      appOf: async (order: OrderRow) => {
        const app = await settings.app(order.appId);
        if (!app.ok) throw new Error(`the order's app is ${app.error}`);
        return app.value;
      },
    };
  }
}
