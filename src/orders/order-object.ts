import { DurableObject } from "cloudflare:workers";
import { configOf, type Config } from "../config.ts";
import { nextPaymentPollAt } from "../domain/polling.ts";
import type { RefundRequest } from "../domain/refund.ts";
import { err, type Result } from "../lib/result.ts";
import { connect } from "../db/database.ts";
import type { OrderRow, RefundRow } from "../db/rows.ts";
import { appSettings, masterKeyOf, merchantSettings } from "../settings/settings.ts";
import { serverFault, type Refusal } from "../contract/refusal.ts";
import { describe, log } from "../observability/log.ts";
import { pollPayment } from "./poll-payment.ts";
import { pollRefund } from "./refunds/outcome.ts";
import type { OrderContext } from "./context.ts";
import { deliver } from "./deliver.ts";
import { ensureTimers, type EnsuredTimers } from "./ensure-timers.ts";
import { handleRefundNotification } from "./refunds/notification.ts";
import { LastRefund } from "./refunds/last-refund.ts";
import { redeliver, type Redelivery } from "./redeliver.ts";
import { requestRefund } from "./refunds/request.ts";
import type { AcceptedRefund } from "./refunds/send.ts";
import { recordPayment, type PaymentOutcome } from "./record-payment.ts";
import { syncOrder, type SyncOutcome } from "./sync.ts";
import { Timeline, type TimelineEntry } from "./timeline.ts";
import { Timers, type Timer } from "./timers.ts";
import { logOperation, outcomeLabel, type Outcome } from "./operation-log.ts";
import { wechatEnvOf } from "../settings/wechat-env.ts";
import { newMeter, type RequestMeter } from "../observability/request-meter.ts";
import { instrumentWechat } from "../wechat/instrument.ts";
import { connectWechat } from "../wechat/client.ts";
import type { Payment, PrepayAnswer } from "../wechat/types.ts";

/** A timer whose flow threw (D1 away, say) tries again after this long. */
const FAULT_RETRY_MS = 60_000;

/** The order could not be worked on (D1 away, say); the log has why. */
type Unavailable = { readonly kind: "unavailable" };

const FAULT = serverFault("网关内部错误。重复本请求是安全的，不会重复退款");

/** An order's timeline and its armed timers, for the back-office. */
export interface OrderHistory {
  readonly entries: TimelineEntry[];
  readonly timers: {
    readonly kind: string;
    readonly refundNo: string;
    readonly dueAt: number;
    readonly attempt: number;
  }[];
}

/**
 * One order, named by its number (`pay_order_number`): serialises what takes several steps, holds
 * the order's timers and keeps its timeline. It decides nothing itself; the flows are in order/.
 */
export class OrderObject extends DurableObject<Env> {
  readonly #config: Result<Config, readonly string[]>;
  readonly #timers: Timers;
  readonly #timeline: Timeline;
  readonly #lastRefund: LastRefund;
  /** The end of the queue: what takes several steps waits for what came before. */
  #last: Promise<unknown> = Promise.resolve();
  /** Refund requests under way, by their wish: a repeat joins the first instead of queueing. */
  readonly #refunds = new Map<string, Promise<Result<AcceptedRefund, Refusal>>>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = configOf(env);
    this.#timers = new Timers(ctx.storage);
    this.#timeline = new Timeline(ctx.storage);
    this.#lastRefund = new LastRefund(ctx.storage);
  }

  // Other Workers' calls. What throws in them (D1 away) is logged here and answered as a value: a
  // thrown error would lose its class on the way, and the platform would print it, SQL and all.
  // `requestId` is the request that they are done for, and is for the log alone.

  /** A new order: arms the timer that asks about it until it is paid or expired. */
  async open(createdAt: number, expiresAt: number, prepay: PrepayAnswer["kind"]): Promise<void> {
    this.#timeline.add(Date.now(), "wechat.unifiedorder", { answer: prepay });
    await this.#timers.armIfAbsent(
      { kind: "ask-payment", refundNo: "" },
      nextPaymentPollAt({ createdAt, expiresAt }, 0, Date.now()),
    );
  }

  /** Books a payment that WeChat reported, verified. May be repeated; see settlePayment. */
  async recordPayment(
    payment: Payment,
    merchantId: number,
    requestId?: string,
  ): Promise<PaymentOutcome | Unavailable> {
    return await this.#guarded<PaymentOutcome | Unavailable>(
      newMeter(this.env, requestId),
      "settle-payment",
      async (context) => await recordPayment(context, payment, merchantId),
      { kind: "unavailable" },
    );
  }

  /** Refunds this order for one of the apps. Repeats get the same refund. */
  async requestRefund(
    appId: number,
    wish: RefundRequest,
    requestId?: string,
  ): Promise<Result<AcceptedRefund, Refusal>> {
    const key = JSON.stringify([appId, wish.refundFen, wish.appRefundNo]);
    const underWay = this.#refunds.get(key);
    if (underWay !== undefined) return await underWay;
    const refund = this.#guarded<Result<AcceptedRefund, Refusal>>(
      newMeter(this.env, requestId),
      "refund",
      async (context) => await this.#queue(async () => await requestRefund(context, appId, wish)),
      err(FAULT),
    ).finally(() => {
      this.#refunds.delete(key);
    });
    this.#refunds.set(key, refund);
    return await refund;
  }

  /**
   * Somebody says that a refund has moved on. Only a hint: it arms the refund's timer and asks
   * WeChat. Returns the refund's state as D1 has it afterwards; null when it isn't one of ours, or
   * can't be looked up.
   */
  async handleRefundNotification(
    refundNo: string,
    requestId?: string,
  ): Promise<RefundRow["state"] | null> {
    return await this.#guarded<RefundRow["state"] | null>(
      newMeter(this.env, requestId),
      "hint-refund",
      async (context) =>
        await handleRefundNotification(context, refundNo, async (work) => await this.#queue(work)),
      null,
    );
  }

  /** Asks WeChat about everything that is open, before the app is answered. */
  async sync(requestId?: string): Promise<SyncOutcome> {
    return await this.#guarded<SyncOutcome>(
      newMeter(this.env, requestId),
      "sync",
      async (context) => await this.#queue(async () => await syncOrder(context)),
      "unknown",
    );
  }

  /** Calls the app again, whatever came of earlier calls; see order/redeliver.ts. */
  async redeliver(
    event: "pay" | "refund",
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

  /** Arms what this order must have and hasn't; see order/rearm.ts. */
  async ensureTimers(delayMs: number): Promise<EnsuredTimers | "unavailable"> {
    return await this.#guarded<EnsuredTimers | "unavailable">(
      newMeter(this.env),
      "rearm",
      async (context) => await ensureTimers(context, delayMs),
      "unavailable",
    );
  }

  /** Whether objects can be reached, for `/health`: reads the storage and stores nothing. */
  async ping(): Promise<void> {
    await this.ctx.storage.getAlarm();
  }

  /** What happened to this order, and what is going to. */
  history(): OrderHistory {
    return {
      entries: this.#timeline.entries(),
      timers: this.#timers
        .all()
        .map(({ kind, refundNo, dueAt, attempt }) => ({ kind, refundNo, dueAt, attempt })),
    };
  }

  /**
   * Runs what is due. Never throws: the platform repeats a failed alarm six times only, so a flow
   * that throws is put off instead.
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
      case "ask-payment":
        await this.#queue(async () => {
          await pollPayment(context, timer);
        });
        return;
      case "ask-refund":
        await this.#queue(async () => {
          await pollRefund(context, timer);
        });
        return;
      case "deliver-pay":
      case "deliver-refund":
        // Outside the queue: an app that answers slowly holds up nothing but its own news.
        await deliver(context, timer);
        return;
    }
  }

  /**
   * Runs `work`; if it throws, the log has why and the caller gets `fallback`. The log has a line of
   * it either way.
   */
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
      log("error", "order_failed", { requestId, order, operation, error: describe(error) });
    }
    logOperation(meter, { operation, order, outcome: outcomeLabel(outcome), startedAt });
    return outcome;
  }

  /**
   * Runs `work` after all that was queued before. The object lets other calls in at every `await`
   * of a fetch, so the queue is what keeps two refunds of one order apart.
   */
  async #queue<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    // The queue goes on after a failure, which the caller of this turn is told of.
    this.#last = turn.catch(() => null);
    return await turn;
  }

  /** The object's name, which an alarm knows too (Cloudflare: `ctx.id.name`, since March 2026). */
  #number(): string {
    const { name } = this.ctx.id;
    if (name === undefined) throw new Error("an order's object without a name");
    return name;
  }

  #context(meter: RequestMeter): OrderContext {
    if (!this.#config.ok) throw new Error(`not configured: ${this.#config.error.join("; ")}`);
    const config = this.#config.value;
    const number = this.#number();
    const db = connect(this.env.DB, meter.usage);
    return {
      number,
      meter,
      config,
      db,
      timers: this.#timers,
      timeline: this.#timeline,
      lastRefund: this.#lastRefund,
      wechatOf: async (order: OrderRow) => {
        const merchant = await merchantSettings(
          db,
          await masterKeyOf(config),
          order.merchantId,
          Date.now(),
        );
        if (!merchant.ok) throw new Error(`the order's merchant is ${merchant.error}`);
        const wechatEnv = wechatEnvOf(this.env, config);
        return instrumentWechat(connectWechat(merchant.value, order.protocol, wechatEnv), meter);
      },
      appOf: async (order: OrderRow) => {
        const app = await appSettings(db, await masterKeyOf(config), order.appId, Date.now());
        if (!app.ok) throw new Error(`the order's app is ${app.error}`);
        return app.value;
      },
    };
  }
}
