import { DurableObject } from "cloudflare:workers";
import { demoMerchant } from "./demo-merchant.ts";
import { billPiece } from "./ledger/bills.ts";
import type { Books, Outcome } from "./ledger/books.ts";
import { addFault, clearFaults, type Fault, type StoredFault } from "./ledger/faults.ts";
import type { KeyChange } from "./ledger/key-modes.ts";
import { addMerchantKey, dropMerchantKey, type MerchantKey } from "./ledger/merchant-keys.ts";
import { changeKeys, putMerchant, seedMerchant, type Merchant } from "./ledger/merchants.ts";
import { claimDue, nextAlarmAt, recordAttempt } from "./ledger/notifications.ts";
import { closeOverdue } from "./ledger/orders.ts";
import type { RefundResult } from "./ledger/refunds.ts";
import { emptyTables, openTables } from "./ledger/schema.ts";
import { changeSettings, type Settings, type SettingsChange } from "./ledger/settings.ts";
import {
  orderDetails,
  refundDetails,
  stateView,
  type OrderDetails,
  type RefundView,
  type StateView,
} from "./ledger/views.ts";
import { deliver } from "./notify/delivery.ts";
import { postOf } from "./notify/post.ts";
import { refundInPlatform, type PlatformRefund } from "./rules/platform-refund.ts";
import * as payer from "./rules/payer.ts";
import * as outcomes from "./rules/refund-outcomes.ts";
import { downloadBill } from "./v2/download-bill.ts";
import { receive, type IncomingCall } from "./v2/receive.ts";
import type { IncomingCall as IncomingCallV3 } from "./v3/admit.ts";
import { receiveV3 } from "./v3/receive.ts";
import type { WireAnswer } from "./wire/answer.ts";

/**
 * WeChat Pay's books, in one object. Each method is one turn: a transaction at one instant, after
 * which the alarm is set to whatever is due next. It decides nothing itself.
 */
export class Ledger extends DurableObject<Env> {
  /** How many rounds of sending are under way. */
  #sending = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    openTables(ctx.storage.sql);
    seedMerchant(ctx.storage.sql, demoMerchant(env.DEMO_API_KEY));
  }

  /** Answers one of the five calls of APIv2. */
  async receive(call: IncomingCall): Promise<WireAnswer> {
    return await this.#turn((books) => receive(books, call));
  }

  /** Answers the call of APIv2 for a bill. */
  async downloadBill(method: string, body: Uint8Array): Promise<WireAnswer> {
    return await this.#turn((books) => downloadBill(books, method, body));
  }

  /** A piece of a bill's text, counted from 0; null after the last. A bill that is gone throws. */
  async billPiece(billId: number, index: number): Promise<string | null> {
    return billPiece(this.ctx.storage.sql, billId, index);
  }

  /** Answers a call of APIv3. */
  async receiveV3(call: IncomingCallV3): Promise<WireAnswer> {
    return await this.#turn((books) => receiveV3(books, call));
  }

  async state(): Promise<StateView> {
    return await this.#turn(({ sql }) => stateView(sql));
  }

  async order(outTradeNo: string): Promise<OrderDetails | undefined> {
    return await this.#turn(({ sql }) => orderDetails(sql, outTradeNo));
  }

  async refund(outRefundNo: string): Promise<RefundView | undefined> {
    return await this.#turn(({ sql }) => refundDetails(sql, outRefundNo));
  }

  async pay(outTradeNo: string, options: payer.PayOptions): Promise<Outcome<null>> {
    return await this.#turn((books) => payer.pay(books, outTradeNo, options));
  }

  async failToPay(outTradeNo: string): Promise<Outcome<null>> {
    return await this.#turn((books) => payer.failToPay(books, outTradeNo));
  }

  async closeByWeChat(outTradeNo: string): Promise<Outcome<null>> {
    return await this.#turn((books) => payer.closeByWeChat(books, outTradeNo));
  }

  async notifyPaymentAgain(outTradeNo: string): Promise<Outcome<null>> {
    return await this.#turn((books) => payer.notifyPaymentAgain(books, outTradeNo));
  }

  /** Returns the out_refund_no that WeChat makes up. */
  async refundInPlatform(outTradeNo: string, wish: PlatformRefund): Promise<Outcome<string>> {
    return await this.#turn((books) => refundInPlatform(books, outTradeNo, wish));
  }

  async decideRefund(
    outRefundNo: string,
    status: RefundResult,
    notify: boolean,
  ): Promise<Outcome<null>> {
    return await this.#turn((books) => outcomes.decideRefund(books, outRefundNo, status, notify));
  }

  async notifyRefundAgain(outRefundNo: string): Promise<Outcome<null>> {
    return await this.#turn((books) => outcomes.notifyRefundAgain(books, outRefundNo));
  }

  async putMerchant(merchant: Merchant): Promise<Outcome<{ created: boolean }>> {
    return await this.#turn(({ sql }) => putMerchant(sql, merchant));
  }

  async changeKeys(mchId: string, change: KeyChange): Promise<Outcome<null>> {
    return await this.#turn(({ sql }) => changeKeys(sql, mchId, change));
  }

  async addMerchantKey(mchId: string, key: MerchantKey): Promise<Outcome<null>> {
    return await this.#turn(({ sql }) => addMerchantKey(sql, mchId, key));
  }

  async dropMerchantKey(mchId: string, serialNo: string): Promise<Outcome<null>> {
    return await this.#turn(({ sql }) => dropMerchantKey(sql, mchId, serialNo));
  }

  async addFault(fault: Fault): Promise<StoredFault> {
    return await this.#turn(({ sql }) => addFault(sql, fault));
  }

  async clearFaults(): Promise<void> {
    await this.#turn(({ sql }) => clearFaults(sql));
  }

  async changeSettings(changes: SettingsChange): Promise<Settings> {
    return await this.#turn(({ sql }) => changeSettings(sql, changes));
  }

  /** Forgets everything but the demo merchant. */
  async reset(): Promise<void> {
    await this.#turn(({ sql }) => {
      emptyTables(sql);
      seedMerchant(sql, demoMerchant(this.env.DEMO_API_KEY));
    });
  }

  override async alarm(): Promise<void> {
    await this.#sendDue();
  }

  /** Decides the refunds that are due, then sends the notifications that are due, all at once. */
  async #sendDue(): Promise<void> {
    this.#sending += 1;
    try {
      const due = await this.#turn((books) => {
        outcomes.decideDueRefunds(books);
        return claimDue(books).map((it) => ({ notification: it, post: postOf(books, it) }));
      });
      await Promise.all(
        due.map(async ({ notification, post }) => {
          const attempt = await deliver(post);
          await this.#turn((books) => recordAttempt(books, notification, attempt));
        }),
      );
    } finally {
      this.#sending -= 1;
    }
  }

  async #turn<T>(act: (books: Books) => T): Promise<T> {
    const { storage } = this.ctx;
    const books = { sql: storage.sql, now: Date.now() };
    const result = storage.transactionSync(() => {
      closeOverdue(books.sql, books.now);
      return act(books);
    });
    const alarmAt = nextAlarmAt(books.sql);
    if (alarmAt === null) await storage.deleteAlarm();
    // One that is overdue still needs a moment ahead of now, or it could be lost.
    else await storage.setAlarm(Math.max(alarmAt, Date.now() + 1));
    // An alarm waits for its slowest receiver, and the next alarm for it: send without one.
    if (this.#sending > 0 && alarmAt !== null && alarmAt <= Date.now()) {
      this.ctx.waitUntil(this.#sendDue());
    }
    return result;
  }
}
