import type { StreamLimits } from "./stream.ts";

/**
 * A million lines are some 400 MB of text and a tenth of that gzipped. WeChat may take a while to
 * find a day's file before it begins; then the bytes flow, as fast as they are read.
 */
export const BILL_LIMITS: StreamLimits = {
  headMs: 60_000,
  stallMs: 60_000,
  wholeMs: 10 * 60_000,
  maxBytes: 1024 * 1024 * 1024,
};
