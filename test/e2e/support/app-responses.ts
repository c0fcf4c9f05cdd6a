import type { AppResponse } from "../../../testkit/app-receiver.ts";

/** Responses to a callback that don't confirm it, by what the app does. */
export const UNCONFIRMING_RESPONSES: Readonly<Record<string, AppResponse>> = {
  "answers 500": (response) => {
    response.writeHead(500).end("success");
  },
  "redirects to a page that would confirm": (response) => {
    response.writeHead(302, { location: "/pay?again=1" }).end("success");
  },
  "never answers": () => undefined,
  "sends an endless body": (response) => {
    const more = setInterval(() => response.write("success ".repeat(128)), 5);
    response.on("close", () => clearInterval(more));
  },
  "answers 200 with an error page": (response) => {
    response.end("<html>success</html>");
  },
  "answers JSON with another code": (response) => {
    response.end('{"code":1,"message":"success"}');
  },
  "closes the connection": (response) => {
    response.destroy();
  },
};

/** Confirms in the contract's other format. */
export const confirmInJson: AppResponse = (response) => {
  response.end('\n{"code": 0, "message": "ok"}\n');
};
