import { impossible } from "../exhaustive.ts";
import type { WireAnswer } from "./answer.ts";
import { billBytes, type BillPieces } from "./bill.ts";

const BREAK_AFTER_MS = 100;
const HTML_HEADERS = { "content-type": "text/html" };

/** Makes an HTTP answer of what the ledger says, broken answers included. */
export async function respond(answer: WireAnswer, pieces: BillPieces): Promise<Response> {
  switch (answer.effect) {
    case "reply": {
      const { status, headers, body, delayMs } = answer;
      if (delayMs > 0) await scheduler.wait(delayMs);
      return new Response(body, { status, headers });
    }
    case "bill": {
      if (answer.delayMs > 0) await scheduler.wait(answer.delayMs);
      const type = answer.gzip ? "application/gzip" : "text/plain; charset=utf-8";
      return new Response(billBytes(pieces, answer), { headers: { "content-type": type } });
    }
    case "hang":
      // A pending timer: without one the runtime would find that the request can never finish.
      await scheduler.wait(answer.delayMs);
      return errorPage(504, "Gateway Time-out");
    case "drop":
      return new Response(brokenBody(answer.beginning), { headers: answer.headers });
    case "http-500":
      return errorPage(500, "Internal Server Error");
    case "html-page":
      return errorPage(200, "Service upgrading");
  }
  return impossible(answer);
}

/** The page of a server in front of WeChat Pay, which knows nothing of its formats. */
export function errorPage(status: number, title: string): Response {
  const text = status === 200 ? title : `${status} ${title}`;
  const page = `<html>\n<head><title>${text}</title></head>\n<body bgcolor="white">\n<center><h1>${text}</h1></center>\n<hr><center>nginx</center>\n</body>\n</html>\n`;
  return new Response(page, { status, headers: HTML_HEADERS });
}

/** A body that begins like an answer and breaks off, as when the connection is lost. */
function brokenBody(beginning: string): ReadableStream<Uint8Array> {
  let begun = false;
  return new ReadableStream({
    async pull(controller) {
      if (begun) {
        // Time for the beginning to get out, through the proxy of `wrangler dev` too.
        await scheduler.wait(BREAK_AFTER_MS);
        controller.error(new Error("the connection is lost (a fault that was asked for)"));
        return;
      }
      begun = true;
      controller.enqueue(new TextEncoder().encode(beginning));
    },
  });
}
