/**
 * Makes sure that a signed message has one meaning only.
 *
 * WeChat signs `name=value&…` without escaping (W-09): a value that contains `&` can be split into
 * several fields, and several fields can be joined into one value, under the same signature. The
 * attack: somebody gives his own order the attach `x&mch_id=…&out_trade_no=<victim>&p=` and pays it.
 * WeChat signs that notification. Split differently, the same text with the same `sign` reports the
 * victim's order as paid; `p` hides the genuine fields up to `out_trade_no`.
 */

type Fields = ReadonlyMap<string, string>;

/**
 * The only field of a notification that may contain `&`, because an app may put it there. As long as
 * no other field does, a different split only moves fields into `attach` or out of it, and `attach`
 * is compared with the stored order's.
 */
const FREE_TEXT = "attach";

/**
 * The fields of answers from which identity, numbers, amounts or states are read. An answer comes on
 * our own connection, where nobody can split it, so the rule is narrower than for notifications:
 * free text that nobody reads (`err_code_des`, `refund_recv_accout_n`) must not make a refund
 * impossible to confirm.
 */
const READ_FIELDS: ReadonlySet<string> = new Set([
  "return_code",
  "result_code",
  "err_code",
  "sign_type",
  "appid",
  "mch_id",
  "out_trade_no",
  "transaction_id",
  "total_fee",
  "fee_type",
  "trade_state",
  "time_end",
  "prepay_id",
  "out_refund_no",
  "refund_id",
  "total_refund_count",
  "refund_fee",
  "refund_status",
  "refund_success_time",
]);

/** The index of a refund in the answer of refundquery: `refund_id_0`. */
const INDEX = /_\d+$/;

/**
 * The first field of a verified notification that makes its meaning ambiguous, or null. A genuine one
 * with such a field isn't lost: the order's next query finds the payment.
 */
export function ambiguousInNotification(fields: Fields): string | null {
  return fieldWithSeparator(fields, (name) => name !== FREE_TEXT);
}

/** The first field that makes a verified answer ambiguous, or null. */
export function ambiguousInAnswer(fields: Fields): string | null {
  return fieldWithSeparator(fields, (name) => READ_FIELDS.has(name.replace(INDEX, "")));
}

function fieldWithSeparator(fields: Fields, applies: (name: string) => boolean): string | null {
  for (const [name, value] of fields) if (value.includes("&") && applies(name)) return name;
  return null;
}
