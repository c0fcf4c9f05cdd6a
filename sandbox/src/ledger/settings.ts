import type { BILL_COLUMNS } from "../bill/columns.ts";

/** What becomes of a refund when nobody decides it; `manual` leaves it PROCESSING. */
export const REFUND_OUTCOMES = ["manual", "success", "change", "close"] as const;

/** How the lines of a bill end. */
export const LINE_BREAKS = ["crlf", "lf"] as const;

export interface Settings {
  /** The waits between notification attempts are multiplied by this. */
  notifyScale: number;
  /** How old an order must be before it can be closed. WeChat docs: closeorder, 5 minutes. */
  closeAfterMs: number;
  /** How far apart refunds of one order must be. WeChat docs: refund, 1 minute. */
  refundSpacingMs: number;
  refundOutcome: (typeof REFUND_OUTCOMES)[number];
  /** How long after its acceptance a refund is decided, unless `manual`. */
  refundOutcomeAfterMs: number;
  /** The share, 0 to 1, of APIv3 replies and notifications that come as a signature probe first. */
  probeRate: number;
  /**
   * Whether today's bill can be had, and yesterday's from midnight. At WeChat neither can: a bill is
   * made the next day from 9 o'clock.
   */
  billsOfToday: boolean;
  billColumns: (typeof BILL_COLUMNS)[number];
  /** Whether a bill begins with a byte order mark. */
  billBom: boolean;
  billLineBreak: (typeof LINE_BREAKS)[number];
  /** Whether a bill's last line ends like the others. */
  billFinalBreak: boolean;
  /** How many lines of trades that nobody made are added to every bill but those of refunds. */
  billExtraLines: number;
}

/** The settings to change; the others stay. */
export type SettingsChange = { [Name in keyof Settings]?: Settings[Name] | undefined };

const DEFAULTS: Settings = {
  notifyScale: 1,
  closeAfterMs: 5 * 60 * 1000,
  refundSpacingMs: 60 * 1000,
  refundOutcome: "manual",
  refundOutcomeAfterMs: 0,
  probeRate: 0,
  billsOfToday: true,
  billColumns: "new",
  billBom: true,
  billLineBreak: "crlf",
  billFinalBreak: true,
  billExtraLines: 0,
};

export function readSettings(sql: SqlStorage): Settings {
  const rows = sql.exec<{ name: string; value: string }>("select name, value from settings");
  const stored = Object.fromEntries([...rows].map((row) => [row.name, JSON.parse(row.value)]));
  return { ...DEFAULTS, ...stored };
}

export function changeSettings(sql: SqlStorage, changes: SettingsChange): Settings {
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) continue;
    sql.exec(
      "insert into settings (name, value) values (?, ?) on conflict (name) do update set value = excluded.value",
      name,
      JSON.stringify(value),
    );
  }
  return readSettings(sql);
}
