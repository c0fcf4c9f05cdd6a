import { log } from "./log.ts";
import { count, type DataPoint } from "./metrics.ts";
import type { RequestMeter } from "./request-meter.ts";

/** What a call to an app is about. */
interface AppCallSubject {
  readonly event: "pay" | "refund";
  readonly app: number;
  readonly order: string;
  readonly eventId: string;
}

/** The part of an app's answer that is recorded; its text is the timeline's. */
interface AppAnswer {
  readonly confirmed: boolean;
  /** HTTP status, or null when there was no answer. */
  readonly status: number | null;
}

/** Makes one call to an app, logs it and counts it. */
export async function instrumentAppCall<A extends AppAnswer>(
  meter: RequestMeter,
  { event, ...subject }: AppCallSubject,
  call: () => Promise<A>,
): Promise<A> {
  const startedAt = Date.now();
  const answer = await call();
  const tookMs = Date.now() - startedAt;
  const outcome = outcomeOf(answer);
  const { status } = answer;
  const { requestId } = meter;
  log(answer.confirmed ? "info" : "warn", "app_call", {
    requestId,
    ...subject,
    outcome,
    status,
    tookMs,
  });
  count(meter.metrics, { kind: "app_call", event, outcome, app: subject.app, tookMs });
  return answer;
}

function outcomeOf({
  confirmed,
  status,
}: AppAnswer): Extract<DataPoint, { kind: "app_call" }>["outcome"] {
  if (confirmed) return "confirmed";
  return status === null ? "no answer" : "not confirmed";
}
