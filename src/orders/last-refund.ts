import type { RefundSending } from "../domain/polling.ts";

/**
 * When a refund of this order was last sent to WeChat, in the object's own storage: WeChat wants a
 * minute between two refunds of one order.
 */
export class LastRefund {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Null when none was sent yet. */
  get(): RefundSending | null {
    return this.#storage.kv.get<RefundSending>("last_refund") ?? null;
  }

  /** WeChat doesn't have this refund: the next one needn't keep its distance. */
  forget(refundNo: string): void {
    if (this.get()?.refundNo === refundNo) this.#storage.kv.delete("last_refund");
  }

  /** Noted before the call, which a crash may cut short, and after it, since it may arrive late. */
  note(refundNo: string, at: number): void {
    this.#storage.kv.put("last_refund", { refundNo, at } satisfies RefundSending);
  }
}
