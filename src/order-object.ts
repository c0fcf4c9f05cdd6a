import { DurableObject } from "cloudflare:workers";
import { configOf, type Config } from "./config.ts";
import { nextPaymentAskAt } from "./core/follow-up.ts";
import type { RefundWish } from "./core/refund-life.ts";
import { err, type Result } from "./core/result.ts";
import { connect } from "./db/database.ts";
import type { OrderRow, RefundRow } from "./db/rows.ts";
import { appSettings, masterKeyOf, merchantSettings } from "./db/settings.ts";
import { serverFault, type Refusal } from "./errors.ts";
import { describe, log } from "./log.ts";
import { followUpPayment } from "./order/ask-payment.ts";
import { followUpRefund } from "./order/ask-refund.ts";
import type { OrderContext } from "./order/context.ts";
import { deliver } from "./order/deliver.ts";
import { rearm, type Rearmed } from "./order/rearm.ts";
import { followHint } from "./order/hint-refund.ts";
import { LastRefund } from "./order/last-refund.ts";
import { redeliver, type Redelivery } from "./order/redeliver.ts";
import { refundOrder } from "./order/refund.ts";
import type { AcceptedRefund } from "./order/send-refund.ts";
import { settlePayment, type Settlement } from "./order/settle.ts";
import { syncOrder, type SyncOutcome } from "./order/sync.ts";
import { Timeline, type TimelineEntry } from "./order/timeline.ts";
import { Timers, type Timer } from "./order/timers.ts";
import { logWork, wordOf, type Outcome } from "./order/work.ts";
import { surroundingsOf } from "./surroundings.ts";
import { beginTrace, type Trace } from "./trace.ts";
import { watchWechat } from "./watch-wechat.ts";
import { connectWechat } from "./wechat/connect.ts";
import type { Payment, PrepayAnswer } from "./wechat/wechat-pay.ts";

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
      nextPaymentAskAt({ createdAt, expiresAt }, 0, Date.now()),
    );
  }

  /** Books a payment that WeChat reported, verified. May be repeated; see settlePayment. */
  async settlePayment(
    payment: Payment,
    merchantId: number,
    requestId?: string,
  ): Promise<Settlement | Unavailable> {
    return await this.#guarded<Settlement | Unavailable>(
      beginTrace(this.env, requestId),
      "settle-payment",
      async (context) => await settlePayment(context, payment, merchantId),
      { kind: "unavailable" },
    );
  }

  /** Refunds this order for one of the apps. Repeats get the same refund. */
  async refund(
    appId: number,
    wish: RefundWish,
    requestId?: string,
  ): Promise<Result<AcceptedRefund, Refusal>> {
    const key = JSON.stringify([appId, wish.refundFen, wish.appRefundNo]);
    const underWay = this.#refunds.get(key);
    if (underWay !== undefined) return await underWay;
    const refund = this.#guarded<Result<AcceptedRefund, Refusal>>(
      beginTrace(this.env, requestId),
      "refund",
      async (context) => await this.#queue(async () => await refundOrder(context, appId, wish)),
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
  async hintRefund(refundNo: string, requestId?: string): Promise<RefundRow["state"] | null> {
    return await this.#guarded<RefundRow["state"] | null>(
      beginTrace(this.env, requestId),
      "hint-refund",
      async (context) =>
        await followHint(context, refundNo, async (work) => await this.#queue(work)),
      null,
    );
  }

  /** Asks WeChat about everything that is open, before the app is answered. */
  async sync(requestId?: string): Promise<SyncOutcome> {
    return await this.#guarded<SyncOutcome>(
      beginTrace(this.env, requestId),
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
      beginTrace(this.env, requestId),
      "redeliver",
      async (context) => await redeliver(context, event, refundNo, delayMs),
      "unavailable",
    );
  }

  /** Arms what this order must have and hasn't; see order/rearm.ts. */
  async rearm(delayMs: number): Promise<Rearmed | "unavailable"> {
    return await this.#guarded<Rearmed | "unavailable">(
      beginTrace(this.env),
      "rearm",
      async (context) => await rearm(context, delayMs),
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
    const trace = beginTrace(this.env);
    const due = this.#timers.beginAlarm(startedAt);
    let outcome = "done";
    await Promise.all(
      due.map(async (timer) => {
        try {
          await this.#run(timer, trace);
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
    logWork(trace, { operation: "alarm", order: this.#number(), timers, outcome, startedAt });
  }

  async #run(timer: Timer, trace: Trace): Promise<void> {
    const context = this.#context(trace);
    switch (timer.kind) {
      case "ask-payment":
        await this.#queue(async () => {
          await followUpPayment(context, timer);
        });
        return;
      case "ask-refund":
        await this.#queue(async () => {
          await followUpRefund(context, timer);
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
    trace: Trace,
    operation: string,
    work: (context: OrderContext) => Promise<T>,
    fallback: T,
  ): Promise<T> {
    const startedAt = Date.now();
    const order = this.ctx.id.name;
    let outcome = fallback;
    try {
      outcome = await work(this.#context(trace));
    } catch (error) {
      const { requestId } = trace;
      log("error", "order_failed", { requestId, order, operation, error: describe(error) });
    }
    logWork(trace, { operation, order, outcome: wordOf(outcome), startedAt });
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

  #context(trace: Trace): OrderContext {
    if (!this.#config.ok) throw new Error(`not configured: ${this.#config.error.join("; ")}`);
    const config = this.#config.value;
    const number = this.#number();
    const db = connect(this.env.DB, trace.cost);
    return {
      number,
      trace,
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
        const surroundings = surroundingsOf(this.env, config);
        return watchWechat(connectWechat(merchant.value, order.protocol, surroundings), trace);
      },
      appOf: async (order: OrderRow) => {
        const app = await appSettings(db, await masterKeyOf(config), order.appId, Date.now());
        if (!app.ok) throw new Error(`the order's app is ${app.error}`);
        return app.value;
      },
    };
  }
}
