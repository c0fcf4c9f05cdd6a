import { z } from "zod";
import type { Protocol } from "./contract.ts";

const merchant = z.object({ id: z.int(), mchId: z.string() });
const app = z.object({ id: z.int(), name: z.string(), merchantId: z.int() });
const newApp = app.extend({ salt: z.string(), webhookSecret: z.string() });

export type RegisteredMerchant = z.infer<typeof merchant>;
export type ListedApp = z.infer<typeof app>;
/** With the secrets, which are shown only here. */
export type RegisteredApp = z.infer<typeof newApp>;

export interface V2Credentials {
  /** 32 characters. */
  readonly apiKey: string;
  readonly signType?: "MD5" | "HMAC-SHA256";
}

export interface V3Credentials {
  /** 32 characters. */
  readonly apiV3Key: string;
  readonly merchantSerialNo: string;
  readonly merchantPrivateKey: string;
  /** WeChat's keys: certificates and public keys as PEM; null removes a key. */
  readonly verifyKeys: readonly { readonly id: string; readonly pem: string | null }[];
}

export type MerchantDraft = { readonly name: string; readonly mchId: string } & (
  | ({ readonly protocol: "v2" } & V2Credentials)
  | ({ readonly protocol: "v3" } & V3Credentials)
);

export type MerchantChanges = Partial<V2Credentials & V3Credentials> & {
  readonly protocol?: Protocol;
};

export interface AppDraft {
  readonly name: string;
  readonly merchantId: number;
  readonly wechatAppId: string;
  readonly payNotifyUrl: string;
  readonly refundNotifyUrl: string;
  readonly salt?: string;
}

/** Client of the admin API. */
export class AdminClient {
  readonly #url: string;
  readonly #token: string;

  constructor(gatewayUrl: string, token: string) {
    this.#url = `${gatewayUrl}/admin`;
    this.#token = token;
  }

  async registerMerchant(draft: MerchantDraft): Promise<RegisteredMerchant> {
    return await this.call("POST", "/merchants", merchant, draft);
  }

  async changeMerchant(id: number, changes: MerchantChanges): Promise<void> {
    await this.call("PATCH", `/merchants/${id}`, merchant, changes);
  }

  async registerApp(draft: AppDraft): Promise<RegisteredApp> {
    return await this.call("POST", "/apps", newApp, draft);
  }

  async changeApp(id: number, changes: Partial<AppDraft> & { enabled?: boolean }): Promise<void> {
    await this.call("PATCH", `/apps/${id}`, app, changes);
  }

  /** Replaces an app's salt; the old one works for `overlapSeconds` more. Returns the new one. */
  async rotateSalt(id: number, overlapSeconds: number): Promise<string> {
    const answer = z.object({ salt: z.string() });
    const { salt } = await this.call("POST", `/apps/${id}/rotate-salt`, answer, { overlapSeconds });
    return salt;
  }

  async merchants(): Promise<readonly RegisteredMerchant[]> {
    return await this.#all("/merchants", merchant);
  }

  async apps(): Promise<readonly ListedApp[]> {
    return await this.#all("/apps", app);
  }

  /** Any call. Throws unless the answer is a success of the expected shape. */
  async call<T>(
    method: "GET" | "POST" | "PATCH",
    path: string,
    answer: z.ZodType<T>,
    body?: object,
  ): Promise<T> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} /admin${path}: HTTP ${response.status} ${text}`);
    return answer.parse(JSON.parse(text));
  }

  async #all<T>(path: string, item: z.ZodType<T>): Promise<readonly T[]> {
    const page = z.object({ items: z.array(item), nextCursor: z.int().nullable() });
    const items: T[] = [];
    let cursor: number | null = 0;
    while (cursor !== null) {
      const answer: z.infer<typeof page> = await this.call("GET", `${path}?cursor=${cursor}`, page);
      items.push(...answer.items);
      cursor = answer.nextCursor;
    }
    return items;
  }
}
