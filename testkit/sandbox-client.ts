import type { BridgeParams, Protocol } from "./contract.ts";

export interface SandboxNotification {
  readonly protocol: Protocol;
  readonly kind: "pay" | "refund";
  /** A signature probe, which must be refused. */
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
  /** Requested by a call, or by a person in WeChat's merchant platform. */
  readonly source: "API" | "VENDOR_PLATFORM";
  readonly outRefundNo: string;
  readonly refundId: string;
  readonly refundFee: number;
  readonly totalFee: number;
  readonly status: "PROCESSING" | "SUCCESS" | "CHANGE" | "REFUNDCLOSE";
  /** How often it was requested. */
  readonly calls: number;
}

/** An order as WeChat knows it, with its refunds and notifications. */
export interface SandboxOrder {
  readonly protocol: Protocol;
  readonly outTradeNo: string;
  readonly mchId: string;
  readonly appId: string;
  readonly body: string;
  readonly attach: string | null;
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
 * The status of each answer to an order's notifications. An attempt that timed out isn't counted: it
 * happens on a busy machine, and WeChat repeats it.
 */
export function answersIn({ notifications }: SandboxOrder): readonly number[] {
  return notifications
    .flatMap(({ attempts }) => attempts)
    .flatMap(({ status }) => (status === null ? [] : [status]));
}

/** Documented with the sandbox's control API. */
export type SandboxFault = Readonly<Record<string, string | number>>;
export type SandboxSettings = Readonly<Record<string, string | number | boolean>>;

/** A fault of the next bill, or the next `times` bills, of any merchant or of one. */
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
      /** The number of the unknown trade; made up when left out. */
      readonly outTradeNo?: string;
      /** Makes it a refund's line. */
      readonly outRefundNo?: string;
    }
  | { readonly fault: "creating" | "truncated" | "not-gzip" | "html-page" | "wrong-hash" }
);

/** Client of the sandbox's control API: acts as the payer and as WeChat. */
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

  /** The payer pays. With `bridge`, the page's parameters are checked as WeChat's client does. */
  async pay(
    number: string,
    options: { readonly notify?: boolean; readonly bridge?: BridgeParams } = {},
  ): Promise<SandboxOrder> {
    return await this.#call("POST", `/orders/${number}/pay`, options);
  }

  /** WeChat sends the payment's notification again. */
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
   * A person refunds an order in WeChat's merchant platform: `refundFee` (fen), or all that is left.
   * Without a `notifyUrl` the notification goes to that of the merchant's latest refund in the
   * order's protocol, if there is one.
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

  /** Changes which key WeChat signs a merchant's messages with. */
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
