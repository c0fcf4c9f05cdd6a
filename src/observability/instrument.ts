import { log } from "./log.ts";
import { count, type DataPoint } from "./metrics.ts";
import type { RequestMeter } from "./request-meter.ts";

type AppCallPoint = Extract<DataPoint, { kind: "app_call" }>;

/** The subject of a call to an app. */
interface AppCallSubject {
  readonly event: AppCallPoint["event"];
  readonly app: number;
  readonly order: string;
  readonly eventId: string;
}

/** The recorded part of an app's response; the timeline has its text. */
interface AppAnswer {
  readonly confirmed: boolean;
  /** HTTP status; null when there was no response. */
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

function outcomeOf({ confirmed, status }: AppAnswer): AppCallPoint["outcome"] {
  if (confirmed) return "confirmed";
  return status === null ? "no answer" : "not confirmed";
}
