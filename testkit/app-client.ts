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

/** How an app writes its requests: existing ones do each. */
export interface Dialect {
  readonly body: "form" | "json";
  readonly rendering: RenderingName;
}

const COMMON_DIALECT: Dialect = { body: "form", rendering: "PHP http_build_query" };

/** A signed request as it goes over the wire. */
export interface SignedRequest {
  readonly path: string;
  readonly fields: Fields;
  readonly contentType: string;
  readonly body: string;
}

/** An app that calls the gateway: builds, signs and sends, and holds each answer to the contract. */
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

  /** The same app, written in another language. */
  speaking(dialect: Dialect): AppClient {
    return new AppClient(this.#url, { id: this.id, salt: this.#salt }, dialect);
  }

  /** POST /pay/create-order; parameters that every order needs are filled in where left out. */
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

  /** Signs, sends, and reads the answer by the contract. */
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
      ? // Numbers as numbers, as such apps write them.
        {
          path,
          fields,
          contentType: "application/json",
          body: JSON.stringify({ ...unsigned, sign }),
        }
      : { path, fields, contentType: FORM, body: new URLSearchParams(fields).toString() };
  }

  /** Sends a request. Throws where the answer isn't what the contract promises of every answer. */
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

/** An order without anything special. */
export const USUAL_ORDER = {
  platForm: 1,
  openId: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
  desc: "星河书店-图书",
  totalFree: 100,
  tag: "book",
  tradeType: "JSAPI",
} as const satisfies Parameters;

/** The data of a successful answer. Throws with the gateway's words otherwise. */
export function dataOf<Data>(envelope: Envelope<Data>): Data {
  if (envelope.code !== 0) throw new Error(`${envelope.code} ${envelope.errmsg}`);
  return envelope.data;
}
