import { billBytes, type BillSource } from "./bill-file.ts";
import type { WireResponse } from "./response.ts";

const BREAK_AFTER_MS = 100;
const HTML_HEADERS = { "content-type": "text/html" };

/** Turns a wire response into an HTTP response, broken ones included. */
export async function respond(response: WireResponse, source: BillSource): Promise<Response> {
  switch (response.effect) {
    case "respond": {
      const { status, headers, body, delayMs } = response;
      if (delayMs > 0) await scheduler.wait(delayMs);
      return new Response(body, { status, headers });
    }
    case "bill": {
      if (response.delayMs > 0) await scheduler.wait(response.delayMs);
      const type = response.gzip ? "application/gzip" : "text/plain; charset=utf-8";
      return new Response(billBytes(source, response), { headers: { "content-type": type } });
    }
    case "hang":
      // A pending timer: without one the runtime would detect that the request can never finish.
      await scheduler.wait(response.delayMs);
      return errorPage(504, "Gateway Time-out");
    case "drop":
      return new Response(brokenBody(response.beginning), { headers: response.headers });
    case "http-500":
      return errorPage(500, "Internal Server Error");
    case "html-page":
      return errorPage(200, "Service upgrading");
  }
}

/** The HTML page of a server in front of WeChat Pay, in neither of its formats. */
export function errorPage(status: number, title: string): Response {
  const text = status === 200 ? title : `${status} ${title}`;
  const page = `<html>\n<head><title>${text}</title></head>\n<body bgcolor="white">\n<center><h1>${text}</h1></center>\n<hr><center>nginx</center>\n</body>\n</html>\n`;
  return new Response(page, { status, headers: HTML_HEADERS });
}

/** A body that breaks off after its beginning, as when the connection is lost. */
function brokenBody(beginning: string): ReadableStream<Uint8Array> {
  let started = false;
  return new ReadableStream({
    async pull(controller) {
      if (started) {
        // Lets the beginning reach the client, also through the proxy of `wrangler dev`.
        await scheduler.wait(BREAK_AFTER_MS);
        controller.error(new Error("the connection is lost (an armed fault)"));
        return;
      }
      started = true;
      controller.enqueue(new TextEncoder().encode(beginning));
    },
  });
}
