import * as fc from "fast-check";
import { detailOf, type Refusal } from "../../src/contract/refusal.ts";
import type { Parameters } from "../../src/contract/parameters.ts";
import type { OrderRecord, RefundRecord } from "../../src/domain/states.ts";
import type { Result } from "../../src/lib/result.ts";

/** A set of parameters; an undefined value omits the parameter. */
export function parametersOf(fields: Record<string, string | undefined>): Parameters {
  const parameters = new Map<string, string>();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) parameters.set(name, value);
  }
  return parameters;
}

/** The text of a refusal with code 501; otherwise a text that no test expects. */
export function refusalOf(result: Result<unknown, Refusal>): string {
  if (result.ok) return "ACCEPTED";
  return result.error.code === 501 ? detailOf(result.error) : `CODE ${result.error.code}`;
}

/** Values full of characters that encoders and decoders treat differently. */
const values = fc
  .array(
    fc.oneof(
      fc.constantFrom(...Array.from("&=%+ !'()*~-_./?#;:@$,[]{}\"\\\u0000\n\uFEFF中文é😀")),
      fc.constantFrom("%20", "%26", "%2B", "%25", "&b=", "&sign=", "=", "a=1", "%E4%B8%AD", "%%"),
      fc.string({ unit: "binary", maxLength: 4 }),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(""));

const names = fc.oneof(
  fc.constantFrom("a", "b", "A", "a.b", "a-b", "a_b", "a1", "0", "10", "9", "__proto__", "appId"),
  fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/),
);

/** Sets of parameters as `readParameters` may return them, without `sign`. */
export const parameterSets: fc.Arbitrary<Parameters> = fc
  .uniqueArray(fc.tuple(names, values), { maxLength: 6, selector: ([name]) => name })
  .map((pairs) => new Map(pairs.filter(([name]) => name !== "sign")));

export const paidOrder: OrderRecord = {
  id: 30,
  number: "b9422280c58b415cab0571c95c07607d",
  appId: 1,
  desc: "测试商品",
  totalFen: 100,
  tag: "test",
  attach: null,
  appOrderNo: null,
  userId: 7,
  payState: "paid",
  transactionId: "4008662001201707201798718285",
  payNotifyState: "confirmed",
  payNotifyNumber: 2,
  paidAt: 1_500_556_200_999,
  createdAt: 1_500_556_147_900,
  updatedAt: 1_500_556_600_001,
};

export const refund: RefundRecord = {
  number: "56bbb455865e4fd398f0ceecf58ecd25",
  refundFen: 40,
  state: "succeeded",
  released: null,
  refundId: "50000503652017072001429513373",
  appRefundNo: null,
  notifyState: "failing",
  notifyNumber: 3,
  succeededAt: 1_500_556_630_999,
  createdAt: 1_500_556_610_000,
  updatedAt: 1_500_556_639_999,
};
