/** A request that is sent again and again. */
export interface Input {
  readonly name: string;
  readonly method?: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export const FORM = "application/x-www-form-urlencoded";
export const JSON_TYPE = "application/json";

/** The longest body that the endpoints read, and the longest notification. */
export const ENDPOINT_BODY = 16 * 1024;
export const NOTIFICATION_BODY = 64 * 1024;

/** `unit` as often as fits into `size` bytes. */
export function fill(unit: string, size: number): string {
  return unit.repeat(Math.floor(size / Buffer.byteLength(unit)));
}
