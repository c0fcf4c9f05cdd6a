import { DurableObject } from "cloudflare:workers";
import { readConfig, type Config } from "./config.ts";
import { nextPaymentAskAt, nextRefundAskDelay } from "./core/follow-up.ts";
import { isNews, isSettled, type RefundWish } from "./core/refund-life.ts";
import type { Result } from "./core/result.ts";
import { connect } from "./db/database.ts";
import { findOrderWithRefunds } from "./db/refunds.ts";
import type { OrderRow, RefundRow } from "./db/rows.ts";
import { appSettings, masterKeyOf, merchantSettings } from "./db/settings.ts";
import type { Refusal } from "./errors.ts";
import { describe, log } from "./log.ts";
import { askPayment, followUpPayment } from "./order/ask-payment.ts";
import { askRefund, followUpRefund } from "./order/ask-refund.ts";
import type { OrderContext } from "./order/context.ts";
import { deliver } from "./order/deliver.ts";
import { refundOrder, type AcceptedRefund } from "./order/refund.ts";
import { settlePayment, type Settlement } from "./order/settle.ts";
import { Timeline, type TimelineEntry } from "./order/timeline.ts";
import { Timers, type Timer } from "./order/timers.ts";
import { surroundingsOf } from "./surroundings.ts";
import { connectWechat } from "./wechat/connect.ts";
import type { Payment, PrepayAnswer } from "./wechat/wechat-pay.ts";

/** A timer whose flow threw (D1 away, say) tries again after this long. */
const FAULT_RETRY_MS = 60_000;

/** Whether WeChat was asked all that there was to ask. */
export type SyncOutcome = "asked" | "unknown";

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
  /** The end of the queue: what takes several steps waits for what came before. */
  #last: Promise<unknown> = Promise.resolve();
  /** Refund requests under way, by their wish: a repeat joins the first instead of queueing. */
  readonly #refunds = new Map<string, Promise<Result<AcceptedRefund, Refusal>>>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = readConfig(env);
    this.#timers = new Timers(ctx.storage);
    this.#timeline = new Timeline(ctx.storage);
  }

  /** A new order: arms the timer that asks about it until it is paid or expired. */
  async open(createdAt: number, expiresAt: number, prepay: PrepayAnswer["kind"]): Promise<void> {
    this.#number();
    this.#timeline.add(Date.now(), "wechat.unifiedorder", { answer: prepay });
    await this.#timers.armIfAbsent(
      { kind: "ask-payment", refundNo: "" },
      nextPaymentAskAt({ createdAt, expiresAt }, 0, Date.now()),
    );
  }

  /** Books a payment that WeChat reported, verified. May be repeated; see settlePayment. */
  async settlePayment(payment: Payment, merchantId: number): Promise<Settlement> {
    return await settlePayment(this.#context(), payment, merchantId);
  }

  /** Refunds this order for one of the apps. Repeats get the same refund. */
  async refund(appId: number, wish: RefundWish): Promise<Result<AcceptedRefund, Refusal>> {
    const key = JSON.stringify([appId, wish.refundFen, wish.appRefundNo]);
    const underWay = this.#refunds.get(key);
    if (underWay !== undefined) return await underWay;
    const context = this.#context();
    const refund = this.#queue(async () => await refundOrder(context, appId, wish)).finally(() => {
      this.#refunds.delete(key);
    });
    this.#refunds.set(key, refund);
    return await refund;
  }

  /**
   * Somebody says that a refund has moved on. Only a hint: it arms the refund's timer and asks
   * WeChat. Returns the refund's state as D1 has it afterwards; null when it isn't one of ours.
   */
  async hintRefund(refundNo: string): Promise<RefundRow["state"] | null> {
    const context = this.#context();
    const found = await findOrderWithRefunds(context.db, context.number);
    const refund = found?.refunds.find((candidate) => candidate.number === refundNo);
    if (refund === undefined) return null;
    if (isSettled(refund.state)) return refund.state;
    this.#timeline.add(Date.now(), "refund.hint", { refundNo });
    await this.#timers.arm({ kind: "ask-refund", refundNo }, Date.now() + nextRefundAskDelay(0));
    const asked = await this.#queue(async () => await askRefund(context, refundNo));
    return asked?.state ?? null;
  }

  /** Asks WeChat about everything that is open, before the app is answered. */
  async sync(): Promise<SyncOutcome> {
    const context = this.#context();
    return await this.#queue(async () => {
      const found = await findOrderWithRefunds(context.db, context.number);
      if (found === null) return "asked";
      const { order, refunds } = found;
      if (order.payState !== "paid") {
        const state = await askPayment(context, order, await context.wechatOf(order));
        return state === "unknown" ? "unknown" : "asked";
      }
      for (const refund of refunds) {
        const asked = await askRefund(context, refund.number);
        if (asked?.heard === false) return "unknown";
      }
      return "asked";
    });
  }

  /** Calls the app again, from the schedule's beginning, whatever came of earlier calls. */
  async redeliver(event: "pay" | "refund"): Promise<"armed" | "nothing to tell"> {
    const { db, number } = this.#context();
    const found = await findOrderWithRefunds(db, number);
    if (event === "pay") {
      if (found?.order.payState !== "paid") return "nothing to tell";
      await this.#timers.arm({ kind: "deliver-pay", refundNo: "" }, Date.now());
      return "armed";
    }
    const refund = found?.refunds.findLast((candidate) => isNews(candidate.state));
    if (refund === undefined) return "nothing to tell";
    await this.#timers.arm({ kind: "deliver-refund", refundNo: refund.number }, Date.now());
    return "armed";
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
    await Promise.all(
      this.#timers.due(Date.now()).map(async (timer) => {
        try {
          await this.#run(timer);
        } catch (error) {
          log("error", "a timer's flow failed", {
            order: this.ctx.id.name,
            timer: timer.kind,
            error: describe(error),
          });
          const armed = this.#timers.find(timer);
          if (armed !== undefined) await this.#timers.putOff(armed, Date.now() + FAULT_RETRY_MS);
        }
      }),
    );
    await this.#timers.resume();
  }

  async #run(timer: Timer): Promise<void> {
    const context = this.#context();
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
   * Runs `work` after all that was queued before. The object lets other calls in at every `await`
   * of a fetch, so the queue is what keeps two refunds of one order apart.
   */
  async #queue<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    // The queue goes on after a failure, which the caller of this turn is told of.
    this.#last = turn.catch(() => null);
    return await turn;
  }

  /** The object's name, kept: an alarm may wake the object without telling it. */
  #number(): string {
    const { kv } = this.ctx.storage;
    const name = this.ctx.id.name ?? kv.get<string>("number");
    if (name === undefined) throw new Error("an order's object without a name");
    if (kv.get("number") === undefined) kv.put("number", name);
    return name;
  }

  #context(): OrderContext {
    if (!this.#config.ok) throw new Error(`not configured: ${this.#config.error.join("; ")}`);
    const config = this.#config.value;
    const number = this.#number();
    const db = connect(this.env.DB);
    return {
      number,
      config,
      db,
      timers: this.#timers,
      timeline: this.#timeline,
      wechatOf: async (order: OrderRow) => {
        const merchant = await merchantSettings(
          db,
          await masterKeyOf(config),
          order.merchantId,
          Date.now(),
        );
        if (!merchant.ok) throw new Error(`the order's merchant is ${merchant.error}`);
        return connectWechat(merchant.value, order.protocol, surroundingsOf(this.env, config));
      },
      appOf: async (order: OrderRow) => {
        const app = await appSettings(db, await masterKeyOf(config), order.appId, Date.now());
        if (!app.ok) throw new Error(`the order's app is ${app.error}`);
        return app.value;
      },
    };
  }
}
