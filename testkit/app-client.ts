import type { z } from "zod";
import { RENDERINGS, signFields, type Fields, type RenderingName } from "./app-signature.ts";
import {
  createdOrder,
  orderView,
  readEnvelope,
  requestedRefund,
  type CreatedOrder,
  type Envelope,
  type OrderView,
  type RequestedRefund,
} from "./contract.ts";

export type Parameters = Readonly<Record<string, string | number>>;

/** How an app encodes its requests; existing apps use each of these. */
export interface Dialect {
  readonly body: "form" | "json";
  readonly rendering: RenderingName;
}

const COMMON_DIALECT: Dialect = { body: "form", rendering: "PHP http_build_query" };

/** A signed request as it is sent. */
export interface SignedRequest {
  readonly path: string;
  readonly fields: Fields;
  readonly contentType: string;
  readonly body: string;
}

/** An app that calls the gateway: signs and sends requests, and checks each answer by the contract. */
export class AppClient {
  readonly id: number;
  readonly #url: string;
  readonly #salt: string;
  readonly #dialect: Dialect;

  constructor(
    gatewayUrl: string,
    app: { readonly id: number; readonly salt: string },
    dialect: Dialect = COMMON_DIALECT,
  ) {
    this.#url = gatewayUrl;
    this.id = app.id;
    this.#salt = app.salt;
    this.#dialect = dialect;
  }

  /** The same app, encoding its requests in another way. */
  withDialect(dialect: Dialect): AppClient {
    return new AppClient(this.#url, { id: this.id, salt: this.#salt }, dialect);
  }

  /** POST /pay/create-order; required parameters that are left out get `USUAL_ORDER`'s values. */
  async createOrder(parameters: Parameters = {}): Promise<Envelope<CreatedOrder>> {
    return await this.post("/pay/create-order", { ...USUAL_ORDER, ...parameters }, createdOrder);
  }

  /** POST /refund/refund-money */
  async refund(orderId: number, more: Parameters = {}): Promise<Envelope<RequestedRefund>> {
    const parameters = { platForm: 1, order_id: orderId, ...more };
    return await this.post("/refund/refund-money", parameters, requestedRefund);
  }

  /** POST /order */
  async order(parameters: Parameters): Promise<Envelope<OrderView>> {
    return await this.post("/order", parameters, orderView);
  }

  /** Signs, sends, and parses the answer by the contract. */
  async post<Data>(
    path: string,
    parameters: Parameters,
    data: z.ZodType<Data>,
  ): Promise<Envelope<Data>> {
    return await this.send(this.sign(path, parameters), data);
  }

  /** Completes a request with `appId` and `sign`. */
  sign(path: string, parameters: Parameters): SignedRequest {
    const unsigned = { appId: this.id, ...parameters };
    const texts = Object.fromEntries(
      Object.entries(unsigned).map(([name, value]) => [name, String(value)]),
    );
    const sign = signFields(texts, this.#salt, RENDERINGS[this.#dialect.rendering]);
    const fields = { ...texts, sign };
    return this.#dialect.body === "json"
      ? // Numbers as JSON numbers, as such apps send them.
        {
          path,
          fields,
          contentType: "application/json",
          body: JSON.stringify({ ...unsigned, sign }),
        }
      : { path, fields, contentType: FORM, body: new URLSearchParams(fields).toString() };
  }

  /** Sends a request. Throws when the answer breaks a rule that the contract sets for every answer. */
  async send<Data>(request: SignedRequest, data: z.ZodType<Data>): Promise<Envelope<Data>> {
    const response = await fetch(this.#url + request.path, {
      method: "POST",
      headers: { "content-type": request.contentType },
      body: request.body,
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${text}`);
    if (!response.headers.has("x-request-id")) throw new Error("no X-Request-Id");
    return readEnvelope(JSON.parse(text), data);
  }
}

const FORM = "application/x-www-form-urlencoded";

/** An ordinary order. */
export const USUAL_ORDER = {
  platForm: 1,
  openId: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
  desc: "星河书店-图书",
  totalFree: 100,
  tag: "book",
  tradeType: "JSAPI",
} as const satisfies Parameters;

/** The data of a successful answer. Throws with the gateway's errmsg otherwise. */
export function dataOf<Data>(envelope: Envelope<Data>): Data {
  if (envelope.code !== 0) throw new Error(`${envelope.code} ${envelope.errmsg}`);
  return envelope.data;
}
