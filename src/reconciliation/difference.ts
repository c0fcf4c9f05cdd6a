import type { IncidentFacts, IncidentKind } from "../domain/incidents.ts";
import { compareLine, type RecordedTrades } from "./look-up.ts";
import type { Difference } from "./incidents.ts";
import type { StagedLine } from "./staging.ts";

/** A line that doesn't agree with what we have, as a person is told of it. */
export function differenceOf(staged: StagedLine, ours: RecordedTrades): Difference {
  const { number, line } = staged;
  const named = { orderNumber: line.orderNumber, facts: factsOf(staged, ours) };
  switch (line.kind) {
    case "payment":
      return { kind: kindOf(staged, ours), trade: line.orderNumber, ...named };
    case "refund":
      return { kind: kindOf(staged, ours), trade: line.refundNo, ...named };
    case "unreadable":
      return { kind: "bill_unreadable", trade: `line-${number}`, ...named };
  }
}

function kindOf(staged: StagedLine, ours: RecordedTrades): IncidentKind {
  const verdict = compareLine(staged, ours);
  switch (verdict) {
    case "unknown":
      return "bill_line_unknown";
    case "amount differs":
      return "bill_amount_differs";
    case "state differs":
      return "bill_state_differs";
    case "unreadable":
      return "bill_unreadable";
    case "agrees":
      throw new Error("nothing to tell of a line that agrees");
  }
}

/** Both sides of it. The bill's line is named by its number in the file. */
function factsOf({ number, line }: StagedLine, { orders, refunds }: RecordedTrades): IncidentFacts {
  const told = { line: number, transactionId: line.transactionId };
  switch (line.kind) {
    case "payment": {
      const order = orders.get(line.orderNumber);
      return {
        ...told,
        billFen: line.totalFen,
        ourFen: order?.totalFen ?? null,
        ourState: order?.payState ?? null,
        ourTransactionId: order?.transactionId ?? null,
      };
    }
    case "refund": {
      const refund = refunds.get(line.refundNo);
      return {
        ...told,
        refundNo: line.refundNo,
        refundId: line.refundId,
        billFen: line.refundFen,
        billStatus: line.status,
        ourFen: refund?.refundFen ?? null,
        ourState: refund?.state ?? null,
        ourOrderNumber: refund?.orderNumber ?? null,
      };
    }
    case "unreadable":
      return { ...told, reason: line.fault };
  }
}
