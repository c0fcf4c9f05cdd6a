import type { IncidentFacts, IncidentKind } from "../domain/incidents.ts";
import { compareLine, type RecordedTrades } from "./look-up.ts";
import type { Difference } from "./incidents.ts";
import type { StagedLine } from "./staging.ts";

/** The reported difference for a line that doesn't agree with the record. */
export function differenceOf(staged: StagedLine, ours: RecordedTrades): Difference {
  const { number, line } = staged;
  const common = { orderNumber: line.orderNumber, facts: factsOf(staged, ours) };
  switch (line.kind) {
    case "payment":
      return { kind: kindOf(staged, ours), trade: line.orderNumber, ...common };
    case "refund":
      return { kind: kindOf(staged, ours), trade: line.refundNo, ...common };
    case "unreadable":
      return { kind: "bill_unreadable", trade: `line-${number}`, ...common };
  }
}

function kindOf(staged: StagedLine, ours: RecordedTrades): IncidentKind {
  const comparison = compareLine(staged, ours);
  switch (comparison) {
    case "unknown":
      return "bill_line_unknown";
    case "amount differs":
      return "bill_amount_differs";
    case "state differs":
      return "bill_state_differs";
    case "unreadable":
      return "bill_unreadable";
    case "agrees":
      throw new Error("a line that agrees has no difference");
  }
}

/** Both sides of the difference. `line` is the line's number in the bill. */
function factsOf({ number, line }: StagedLine, { orders, refunds }: RecordedTrades): IncidentFacts {
  const { transactionId, wechatAppId } = line;
  const common = { line: number, transactionId, wechatAppId };
  switch (line.kind) {
    case "payment": {
      const order = orders.get(line.orderNumber);
      return {
        ...common,
        billFen: line.totalFen,
        ourFen: order?.totalFen ?? null,
        ourState: order?.payState ?? null,
        ourTransactionId: order?.transactionId ?? null,
        ourWechatAppId: order?.wechatAppId ?? null,
      };
    }
    case "refund": {
      const refund = refunds.get(line.refundNo);
      return {
        ...common,
        refundNo: line.refundNo,
        refundId: line.refundId,
        billFen: line.refundFen,
        billStatus: line.status,
        ourFen: refund?.refundFen ?? null,
        ourState: refund?.state ?? null,
        ourOrderNumber: refund?.orderNumber ?? null,
        ourWechatAppId: refund?.wechatAppId ?? null,
      };
    }
    case "unreadable":
      return { ...common, reason: line.fault };
  }
}
