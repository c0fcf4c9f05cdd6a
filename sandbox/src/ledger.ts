import { DurableObject } from "cloudflare:workers";
import { billPiece } from "./ledger/bills.ts";
import type { ControlResult } from "./ledger/control-result.ts";
import { addFault, clearFaults, type Fault, type StoredFault } from "./ledger/faults.ts";
import type { KeyChange } from "./ledger/key-modes.ts";
import { addMerchantKey, dropMerchantKey, type MerchantKey } from "./ledger/merchant-keys.ts";
import { changeKeys, putMerchant, seedMerchant, type Merchant } from "./ledger/merchants.ts";
import { claimDue, nextAlarmAt, recordAttempt } from "./ledger/notifications.ts";
import { closeUnpaidOrders } from "./ledger/orders.ts";
import type { RefundResult } from "./ledger/refunds.ts";
import { clearTables, ensureTables } from "./ledger/schema.ts";
import { changeSettings, type Settings, type SettingsChange } from "./ledger/settings.ts";
import type { LedgerTransaction } from "./ledger/transaction.ts";
import {
  orderDetails,
  refundDetails,
  stateView,
  type OrderDetails,
  type RefundView,
  type StateView,
} from "./ledger/views.ts";
import { deliver } from "./notify/deliver.ts";
import { deliveryRequest } from "./notify/delivery-request.ts";
import * as payer from "./rules/payer.ts";
import { refundInPlatform, type PlatformRefundRequest } from "./rules/platform-refund.ts";
import * as outcomes from "./rules/refund-outcomes.ts";
import { demoMerchant } from "./sandbox-keys.ts";
import { downloadBill } from "./v2/bill.ts";
import { receiveV2, type IncomingCall as IncomingCallV2 } from "./v2/receive.ts";
import type { IncomingCall as IncomingCallV3 } from "./v3/authenticate.ts";
import { receiveV3 } from "./v3/receive.ts";
import type { WireResponse } from "./wire/response.ts";

/**
 * WeChat Pay's ledger in one Durable Object. Each method runs one transaction at one instant and then
 * sets the alarm for whatever is due next. The decisions are in rules/.
 */
export class Ledger extends DurableObject<Env> {
  /** How many rounds of deliveries are in progress. */
  #deliveryRounds = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ensureTables(ctx.storage.sql);
    seedMerchant(ctx.storage.sql, demoMerchant(env.DEMO_API_KEY));
  }

  /** Responds to one of the five common calls of APIv2. */
  async receiveV2(call: IncomingCallV2): Promise<WireResponse> {
    return await this.#transact((ledger) => receiveV2(ledger, call));
  }

  /** Responds to the APIv2 call for a bill. */
  async downloadBillV2(method: string, body: Uint8Array): Promise<WireResponse> {
    return await this.#transact((ledger) => downloadBill(ledger, method, body));
  }

  /** A piece of a bill's text, numbered from 0; null after the last. Throws when the bill is deleted. */
  async billPiece(billId: number, index: number): Promise<string | null> {
    return billPiece(this.ctx.storage.sql, billId, index);
  }

  /** Responds to a call of APIv3. */
  async receiveV3(call: IncomingCallV3): Promise<WireResponse> {
    return await this.#transact((ledger) => receiveV3(ledger, call));
  }

  /** The whole state, for the control API and the page. */
  async state(): Promise<StateView> {
    return await this.#transact(({ sql }) => stateView(sql));
  }

  /** An order with its refunds and notifications; null when there is none. */
  async order(outTradeNo: string): Promise<OrderDetails | null> {
    return await this.#transact(({ sql }) => orderDetails(sql, outTradeNo));
  }

  /** A refund; null when there is none. */
  async refund(outRefundNo: string): Promise<RefundView | null> {
    return await this.#transact(({ sql }) => refundDetails(sql, outRefundNo));
  }

  /** The payer pays an order. */
  async pay(outTradeNo: string, options: payer.PayOptions): Promise<ControlResult<null>> {
    return await this.#transact((ledger) => payer.pay(ledger, outTradeNo, options));
  }

  /** The payer's attempt to pay an order fails. */
  async failPayment(outTradeNo: string): Promise<ControlResult<null>> {
    return await this.#transact((ledger) => payer.failPayment(ledger, outTradeNo));
  }

  /** WeChat closes an unpaid order. */
  async closeByWeChat(outTradeNo: string): Promise<ControlResult<null>> {
    return await this.#transact((ledger) => payer.closeByWeChat(ledger, outTradeNo));
  }

  /** WeChat sends the notification of a payment again. */
  async notifyPaymentAgain(outTradeNo: string): Promise<ControlResult<null>> {
    return await this.#transact((ledger) => payer.notifyPaymentAgain(ledger, outTradeNo));
  }

  /** A person refunds an order in the merchant platform. Returns its out_refund_no. */
  async refundInPlatform(
    outTradeNo: string,
    request: PlatformRefundRequest,
  ): Promise<ControlResult<string>> {
    return await this.#transact((ledger) => refundInPlatform(ledger, outTradeNo, request));
  }

  /** WeChat decides a refund. */
  async decideRefund(
    outRefundNo: string,
    status: RefundResult,
    notify: boolean,
  ): Promise<ControlResult<null>> {
    return await this.#transact((ledger) =>
      outcomes.decideRefund(ledger, outRefundNo, status, notify),
    );
  }

  /** WeChat sends the notification of a refund again. */
  async notifyRefundAgain(outRefundNo: string): Promise<ControlResult<null>> {
    return await this.#transact((ledger) => outcomes.notifyRefundAgain(ledger, outRefundNo));
  }

  /** Registers or replaces a merchant. */
  async putMerchant(merchant: Merchant): Promise<ControlResult<{ created: boolean }>> {
    return await this.#transact(({ sql }) => putMerchant(sql, merchant));
  }

  /** Changes the keys that WeChat signs with for a merchant. */
  async changeKeys(mchId: string, change: KeyChange): Promise<ControlResult<null>> {
    return await this.#transact(({ sql }) => changeKeys(sql, mchId, change));
  }

  /** Adds a key to a merchant's. */
  async addMerchantKey(mchId: string, key: MerchantKey): Promise<ControlResult<null>> {
    return await this.#transact(({ sql }) => addMerchantKey(sql, mchId, key));
  }

  /** Removes one of a merchant's keys. */
  async dropMerchantKey(mchId: string, serialNo: string): Promise<ControlResult<null>> {
    return await this.#transact(({ sql }) => dropMerchantKey(sql, mchId, serialNo));
  }

  /** Arms a fault. */
  async addFault(fault: Fault): Promise<StoredFault> {
    return await this.#transact(({ sql }) => addFault(sql, fault));
  }

  /** Disarms all faults. */
  async clearFaults(): Promise<void> {
    await this.#transact(({ sql }) => clearFaults(sql));
  }

  /** Changes settings and returns all of them. */
  async changeSettings(changes: SettingsChange): Promise<Settings> {
    return await this.#transact(({ sql }) => changeSettings(sql, changes));
  }

  /** Deletes everything except the demo merchant. */
  async reset(): Promise<void> {
    await this.#transact(({ sql }) => {
      clearTables(sql);
      seedMerchant(sql, demoMerchant(this.env.DEMO_API_KEY));
    });
  }

  /** Runs when a notification or the outcome of a refund is due. */
  override async alarm(): Promise<void> {
    await this.#deliverDue();
  }

  /** Decides the refunds that are due, then sends the due notifications concurrently. */
  async #deliverDue(): Promise<void> {
    this.#deliveryRounds += 1;
    try {
      const due = await this.#transact((ledger) => {
        outcomes.decideDueRefunds(ledger);
        return claimDue(ledger).map((notification) => ({
          notification,
          request: deliveryRequest(ledger, notification),
        }));
      });
      await Promise.all(
        due.map(async ({ notification, request }) => {
          const attempt = await deliver(request);
          await this.#transact((ledger) => recordAttempt(ledger, notification, attempt));
        }),
      );
    } finally {
      this.#deliveryRounds -= 1;
    }
  }

  /** Runs a transaction and sets the alarm for whatever is due next. */
  async #transact<T>(act: (ledger: LedgerTransaction) => T): Promise<T> {
    const { storage } = this.ctx;
    const ledger = { sql: storage.sql, now: Date.now() };
    const result = storage.transactionSync(() => {
      closeUnpaidOrders(ledger.sql, ledger.now);
      return act(ledger);
    });
    const alarmAt = nextAlarmAt(ledger.sql);
    if (alarmAt === null) await storage.deleteAlarm();
    // The alarm must be in the future even if it is overdue, or it could be lost.
    else await storage.setAlarm(Math.max(alarmAt, Date.now() + 1));
    // An alarm lasts until its slowest receiver responds and delays the next one: deliver without it.
    if (this.#deliveryRounds > 0 && alarmAt !== null && alarmAt <= Date.now()) {
      this.ctx.waitUntil(this.#deliverDue());
    }
    return result;
  }
}
