/** The two protocols that WeChat Pay speaks over one set of books. */
export const PROTOCOLS = ["v2", "v3"] as const;
export type Protocol = (typeof PROTOCOLS)[number];
