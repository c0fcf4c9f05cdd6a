/** What goes back over the wire: a reply, or what a fault makes of it. */
export type WireAnswer =
  | {
      effect: "reply";
      status: number;
      headers: Record<string, string>;
      /** Null when there is no body, as with 204. */
      body: string | null;
      delayMs: number;
    }
  | { effect: "bill"; billId: number; gzip: boolean; truncated: boolean; delayMs: number }
  | { effect: "hang"; delayMs: number }
  | { effect: "drop"; headers: Record<string, string>; beginning: string }
  | { effect: "http-500" }
  | { effect: "html-page" };
