import { log } from "./log.ts";
import { count, type DataPoint } from "./metrics.ts";
import type { RequestMeter } from "./request-meter.ts";

/** What is recorded of an app's answer. */
interface AppAnswer {
  readonly confirmed: boolean;
  /** HTTP status, or null when there was no answer. */
  readonly status: number | null;
}

/** What a call to an app is about. */
interface AppCallSubject {
  readonly event: "pay" | "refund";
  readonly app: number;
  readonly order: string;
  readonly eventId: string;
}

/** Makes one call to an app and takes down what came of it; the app's words are the timeline's. */
export async function instrumentAppCall<A extends AppAnswer>(
  meter: RequestMeter,
  { event, ...about }: AppCallSubject,
  call: () => Promise<A>,
): Promise<A> {
  const startedAt = Date.now();
  const answer = await call();
  const tookMs = Date.now() - startedAt;
  const outcome = outcomeOf(answer);
  log(answer.confirmed ? "info" : "warn", "app_call", {
    ...about,
    outcome,
    status: answer.status,
    tookMs,
  });
  count(meter.metrics, { kind: "app_call", event, outcome, app: about.app, tookMs });
  return answer;
}

function outcomeOf({
  confirmed,
  status,
}: AppAnswer): Extract<DataPoint, { kind: "app_call" }>["outcome"] {
  if (confirmed) return "confirmed";
  return status === null ? "no answer" : "not confirmed";
}
