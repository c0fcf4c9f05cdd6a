import { DurableObject } from "cloudflare:workers";
import { settings } from "./settings.ts";
import {
  MARK_ORDER_PAID,
  FIND_ORDER,
  FIND_REFUNDS,
  INSERT_REFUND,
  MARK_REFUND_ACCEPTED,
  RECORD_DELIVERY,
} from "./statements.ts";
import { callWechat, valueOf } from "./wechat.ts";

/** The bindings of the floor's Worker. */
export interface FloorEnv {
  readonly DB: D1Database;
  readonly FLOOR_ORDER: DurableObjectNamespace<FloorOrder>;
  readonly PUBLIC_URL: string;
  readonly WECHAT_PAY_URL: string;
}

/** One order: the same hop, trips to D1 and calls as the gateway's, and nothing else. */
export class FloorOrder extends DurableObject<FloorEnv> {
  /** The gateway's object arms its timer here. */
  async open(): Promise<void> {}

  async recordPayment(transactionId: string, totalFen: number, attach: string): Promise<void> {
    const nowAt = Date.now();
    const terms = [this.#number(), 1, settings().wechatAppId, "HMAC-SHA256", totalFen, attach];
    await this.env.DB.prepare(MARK_ORDER_PAID)
      .bind("paid", transactionId, nowAt, nowAt, ...terms, 1, transactionId, "waiting", "failed")
      .raw();
    await this.ctx.storage.setAlarm(Date.now());
  }

  async refund(orderId: number, appId: number): Promise<readonly [id: string, number: string]> {
    const { DB, PUBLIC_URL, WECHAT_PAY_URL } = this.env;
    const orderNumber = this.#number();
    const [found] = await DB.batch<{ total_fen: number }>([
      DB.prepare(FIND_ORDER).bind(orderNumber),
      DB.prepare(FIND_REFUNDS).bind(orderNumber),
    ]);
    const totalFen = found?.results[0]?.total_fen ?? 0;
    const number = crypto.randomUUID().replaceAll("-", "");
    const notifyUrl = `${PUBLIC_URL}/notify/v2/1/refund`;
    const nowAt = Date.now();
    await DB.prepare(INSERT_REFUND)
      .bind(number, null, totalFen, notifyUrl, nowAt, nowAt, orderId, appId, "paid", totalFen)
      .raw();
    const answer = await callWechat(WECHAT_PAY_URL, "/secapi/pay/refund", {
      out_trade_no: orderNumber,
      out_refund_no: number,
      total_fee: String(totalFen),
      refund_fee: String(totalFen),
      notify_url: notifyUrl,
    });
    const refundId = valueOf(answer, "refund_id");
    const acceptedAt = Date.now();
    await DB.prepare(MARK_REFUND_ACCEPTED).bind(refundId, acceptedAt, acceptedAt, number).raw();
    return [refundId, number];
  }

  override async alarm(): Promise<void> {
    const number = this.#number();
    await this.env.DB.prepare(FIND_ORDER).bind(number).raw();
    const response = await fetch(settings().notifyUrl, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: `pay_order_number=${number}`,
    });
    await response.text();
    await this.env.DB.prepare(RECORD_DELIVERY).bind("confirmed", 1, Date.now(), null, number).raw();
  }

  #number(): string {
    const { name } = this.ctx.id;
    if (name === undefined) throw new Error("an order's object without a name");
    return name;
  }
}
