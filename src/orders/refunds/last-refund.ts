import type { RefundSending } from "../../domain/polling.ts";

/**
 * When a refund of this order was last sent to WeChat, in the object's own storage: WeChat wants
 * other refunds of the order to keep their distance from it.
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

  /** To be noted before the call, which a crash may cut short, and after it: it may arrive late. */
  note(refundNo: string, at: number): void {
    this.#storage.kv.put("last_refund", { refundNo, at } satisfies RefundSending);
  }
}
