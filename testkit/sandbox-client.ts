import type { BridgeParams, Protocol } from "./contract.ts";

export interface SandboxNotification {
  readonly protocol: Protocol;
  readonly kind: "pay" | "refund";
  /** It is a signature probe, which must be refused. */
  readonly probe: boolean;
  readonly state: "waiting" | "acknowledged" | "given-up";
  readonly url: string;
  readonly attempts: readonly {
    readonly status: number | null;
    readonly ok: boolean;
    readonly answer: string;
  }[];
}

export interface SandboxRefund {
  readonly protocol: Protocol;
  /** A call asked for it, or a person in WeChat's merchant platform. */
  readonly source: "API" | "VENDOR_PLATFORM";
  readonly outRefundNo: string;
  readonly refundId: string;
  readonly refundFee: number;
  readonly totalFee: number;
  readonly status: "PROCESSING" | "SUCCESS" | "CHANGE" | "REFUNDCLOSE";
  /** How often WeChat was called for it. */
  readonly calls: number;
}

/** An order in WeChat's books, with all that belongs to it. */
export interface SandboxOrder {
  readonly protocol: Protocol;
  readonly outTradeNo: string;
  readonly mchId: string;
  readonly appId: string;
  readonly body: string;
  readonly openid: string;
  readonly totalFee: number;
  readonly state: "NOTPAY" | "SUCCESS" | "REFUND" | "CLOSED";
  readonly transactionId: string | null;
  readonly notifyUrl: string;
  readonly prepayCalls: number;
  readonly refunds: readonly SandboxRefund[];
  readonly notifications: readonly SandboxNotification[];
}

export interface SandboxState {
  readonly orders: readonly Pick<SandboxOrder, "outTradeNo" | "body" | "state" | "prepayCalls">[];
  readonly calls: readonly {
    readonly path: string;
    readonly outTradeNo?: string;
    readonly outcome: string;
  }[];
  readonly faults: readonly object[];
}

/**
 * How the notifications of an order were answered, one by one. An attempt without an answer in time
 * isn't counted: a busy machine has such, and WeChat comes again.
 */
export function answersIn({ notifications }: SandboxOrder): readonly number[] {
  return notifications
    .flatMap(({ attempts }) => attempts)
    .flatMap(({ status }) => (status === null ? [] : [status]));
}

/** See the sandbox's own description of its control API. */
export type SandboxFault = Readonly<Record<string, string | number>>;
export type SandboxSettings = Readonly<Record<string, string | number | boolean>>;

/** What is to go wrong with the next bill, or the next `times` bills, of any merchant or of one. */
export type SandboxBillFault = { readonly times?: number; readonly mchId?: string } & (
  | {
      readonly fault: "missing-line" | "wrong-amount";
      /** The line of this payment. */
      readonly outTradeNo: string;
    }
  | {
      readonly fault: "missing-line" | "wrong-amount";
      /** The line of this refund. */
      readonly outRefundNo: string;
    }
  | {
      readonly fault: "extra-line";
      /** What the trade that nobody knows is called; made up when absent. */
      readonly outTradeNo?: string;
      /** Makes it the line of a refund. */
      readonly outRefundNo?: string;
    }
  | { readonly fault: "creating" | "truncated" | "not-gzip" | "html-page" | "wrong-hash" }
);

/** The payer and WeChat, at the sandbox's control API. */
export class SandboxClient {
  readonly #url: string;

  constructor(sandboxUrl: string) {
    this.#url = `${sandboxUrl}/sandbox/api`;
  }

  async state(): Promise<SandboxState> {
    return await this.#call("GET", "/state");
  }

  async order(number: string): Promise<SandboxOrder> {
    return await this.#call("GET", `/orders/${number}`);
  }

  /** The payer pays, with what the page handed to WeChat, which is then checked. */
  async pay(
    number: string,
    options: { readonly notify?: boolean; readonly bridge?: BridgeParams } = {},
  ): Promise<SandboxOrder> {
    return await this.#call("POST", `/orders/${number}/pay`, options);
  }

  /** WeChat sends the payment's notification once more. */
  async notifyAgain(number: string): Promise<SandboxOrder> {
    return await this.#call("POST", `/orders/${number}/notify`, {});
  }

  /** WeChat closes an unpaid order by itself. */
  async close(number: string): Promise<SandboxOrder> {
    return await this.#call("POST", `/orders/${number}/close`, {});
  }

  async decideRefund(
    refundNo: string,
    status: "SUCCESS" | "CHANGE" | "REFUNDCLOSE",
    notify = true,
  ): Promise<SandboxRefund> {
    return await this.#call("POST", `/refunds/${refundNo}/outcome`, { status, notify });
  }

  /**
   * A person refunds an order in WeChat's merchant platform: all that is left of it, unless
   * `refundFee` (fen) says otherwise. Without a `notifyUrl` it is notified where the merchant's
   * latest refund in the order's protocol was, if anywhere.
   */
  async platformRefund(
    number: string,
    options: {
      readonly refundFee?: number;
      readonly status?: "SUCCESS" | "CHANGE" | "REFUNDCLOSE";
      readonly notifyUrl?: string;
    } = {},
  ): Promise<SandboxRefund> {
    return await this.#call("POST", `/orders/${number}/platform-refund`, options);
  }

  async addMerchant(merchant: {
    readonly mchId: string;
    readonly apiKey: string;
    readonly appIds: readonly string[];
    readonly apiV3Key?: string;
    /** PEM. */
    readonly merchantCertificate?: string;
  }): Promise<void> {
    await this.#call("POST", "/merchants", merchant);
  }

  /** Changes what WeChat signs with for a merchant. */
  async changeKeys(
    mchId: string,
    mode:
      | { readonly verifyMode: "certificate" | "public-key" }
      | { readonly verifyMode: "switching"; readonly switchPercent: number },
  ): Promise<void> {
    await this.#call("PATCH", `/merchants/${mchId}`, mode);
  }

  async addFault(fault: SandboxFault): Promise<void> {
    await this.#call("POST", "/faults", fault);
  }

  async addBillFault(fault: SandboxBillFault): Promise<void> {
    await this.#call("POST", "/faults", { on: "bill", ...fault });
  }

  async change(settings: SandboxSettings): Promise<void> {
    await this.#call("PATCH", "/settings", settings);
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`sandbox ${method} ${path}: HTTP ${response.status} ${text}`);
    return JSON.parse(text);
  }
}
