/** A response on the network, or the effect of a fault that replaces it. */
export type WireResponse =
  | {
      readonly effect: "respond";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      /** Null when there is no body, as with 204. */
      readonly body: string | null;
      readonly delayMs: number;
    }
  | {
      readonly effect: "bill";
      readonly billId: number;
      readonly gzip: boolean;
      readonly truncated: boolean;
      readonly delayMs: number;
    }
  | { readonly effect: "hang"; readonly delayMs: number }
  | {
      readonly effect: "drop";
      readonly headers: Readonly<Record<string, string>>;
      /** The part of the body that is sent before the connection breaks. */
      readonly beginning: string;
    }
  | { readonly effect: "http-500" }
  | { readonly effect: "html-page" };
