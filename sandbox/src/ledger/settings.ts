import type { BILL_COLUMNS } from "../bill/columns.ts";

/** The outcomes that the sandbox can decide for a refund; `manual` leaves it PROCESSING. */
export const REFUND_OUTCOMES = ["manual", "success", "change", "close"] as const;

/** The line breaks that a bill can have. */
export const LINE_BREAKS = ["crlf", "lf"] as const;

/** The settings of the sandbox, as the control API has them. */
export interface Settings {
  /** Multiplies the waits between notification attempts. */
  readonly notifyScale: number;
  /** The minimum age of an order that is closed by a call: 5 minutes at WeChat (W-34). */
  readonly closeAfterMs: number;
  /** The minimum interval between refunds of an order: 1 minute at WeChat (W-41). */
  readonly refundSpacingMs: number;
  readonly refundOutcome: (typeof REFUND_OUTCOMES)[number];
  /** How long after its request a refund is decided, unless `manual`. */
  readonly refundOutcomeAfterMs: number;
  /** The share, 0 to 1, of APIv3 responses and notifications that start with a signature probe. */
  readonly probeRate: number;
  /**
   * Whether today's bill is available, and yesterday's from midnight. WeChat generates a bill on the
   * next day, from 9 o'clock on.
   */
  readonly billsOfToday: boolean;
  readonly billColumns: (typeof BILL_COLUMNS)[number];
  /** Whether a bill starts with a byte order mark. */
  readonly billBom: boolean;
  readonly billLineBreak: (typeof LINE_BREAKS)[number];
  /** Whether a bill's last line ends with a line break. */
  readonly billFinalBreak: boolean;
  /** How many lines of invented payments are added to every bill that lists payments. */
  readonly billExtraLines: number;
}

/** The settings to change; the others stay as they are. */
export type SettingsChange = { readonly [Name in keyof Settings]?: Settings[Name] | undefined };

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

/** The settings, with defaults for those that were never changed. */
export function readSettings(sql: SqlStorage): Settings {
  const rows = sql.exec<{ name: string; value: string }>("select name, value from settings");
  const stored = Object.fromEntries([...rows].map((row) => [row.name, JSON.parse(row.value)]));
  return { ...DEFAULTS, ...stored };
}

/** Changes settings and returns all of them. */
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
