/** The two protocols of WeChat Pay, which share one ledger. */
export type Protocol = "v2" | "v3";
