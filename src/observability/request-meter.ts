/** The resources that a piece of work has used so far. Times in ms; parallel calls are summed. */
export interface Usage {
  /** A batch is one trip. */
  d1Trips: number;
  d1Ms: number;
  wechatCalls: number;
  wechatMs: number;
}

/**
 * The meter of one piece of work: a request, an alarm, an operation of an object, a job. Created once
 * at its start and passed on, so that every log line of the work has the same request id.
 */
export interface RequestMeter {
  /** The request that caused the work; undefined for an alarm or a job. */
  readonly requestId: string | undefined;
  readonly metrics: AnalyticsEngineDataset;
  readonly usage: Usage;
}

/** A meter at zero. */
export function newMeter(env: Pick<Env, "METRICS">, requestId?: string): RequestMeter {
  const usage = { d1Trips: 0, d1Ms: 0, wechatCalls: 0, wechatMs: 0 };
  return { requestId, metrics: env.METRICS, usage };
}
