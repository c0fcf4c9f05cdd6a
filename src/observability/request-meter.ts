/** What a piece of work has cost so far. Times in ms; what ran side by side is added up. */
export interface Usage {
  /** A batch is one trip. */
  d1Trips: number;
  d1Ms: number;
  wechatCalls: number;
  wechatMs: number;
}

/** One piece of work: a request, or an operation or an alarm of an order's object. */
export interface RequestMeter {
  /** The request that it is done for; undefined when nobody asked (an alarm, the schedule). */
  readonly requestId: string | undefined;
  readonly metrics: AnalyticsEngineDataset;
  readonly usage: Usage;
}

/** Begins to take down what a piece of work costs. */
export function newMeter(env: Env, requestId?: string): RequestMeter {
  const usage = { d1Trips: 0, d1Ms: 0, wechatCalls: 0, wechatMs: 0 };
  return { requestId, metrics: env.METRICS, usage };
}
