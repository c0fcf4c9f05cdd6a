/** What the floor knows of the world; `bench:load` tells it once, at its start. */
export interface FloorShop {
  readonly mchId: string;
  readonly apiKey: string;
  readonly wechatAppId: string;
  /** The apps' ids are 1, 2, … */
  readonly apps: number;
  readonly notifyUrl: string;
}

/** The gateway keeps its settings in memory too: a minute at a time. */
let known: FloorShop | undefined;

export function shop(): FloorShop {
  if (known === undefined) throw new Error("the floor was told nothing");
  return known;
}

/** Takes what it is told, and makes the rows that orders refer to. */
export async function openShop(db: D1Database, told: FloorShop): Promise<void> {
  known = told;
  await db.batch([
    db.prepare(
      "insert into merchants (id, name, mch_id, protocol, created_at, updated_at) values (1, 'floor', '1', 'v2', 0, 0)",
    ),
    ...Array.from({ length: told.apps }, (_, index) =>
      db
        .prepare(
          `insert into apps (id, name, merchant_id, wechat_app_id, pay_notify_url, refund_notify_url, enabled,
            salt_sealed, webhook_secret_sealed, created_at, updated_at)
          values (?, 'floor', 1, '', '', '', 1, '', '', 0, 0)`,
        )
        .bind(index + 1),
    ),
  ]);
}
