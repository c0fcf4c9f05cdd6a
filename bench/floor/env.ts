import type { FloorOrder } from "./order.ts";

export interface FloorEnv {
  readonly DB: D1Database;
  readonly FLOOR_ORDER: DurableObjectNamespace<FloorOrder>;
  readonly PUBLIC_URL: string;
  readonly WECHAT_PAY_URL: string;
}
