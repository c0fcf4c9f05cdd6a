import type { Manner } from "../../../testkit/app-receiver.ts";

/** The ways in which an app answers a callback and doesn't confirm it. */
export const BAD_MANNERS: Readonly<Record<string, Manner>> = {
  "answers 500": (response) => {
    response.writeHead(500).end("success");
  },
  "redirects to a page that would confirm": (response) => {
    response.writeHead(302, { location: "/pay?again=1" }).end("success");
  },
  "never answers": () => undefined,
  "answers without end": (response) => {
    const more = setInterval(() => response.write("success ".repeat(128)), 5);
    response.on("close", () => clearInterval(more));
  },
  "answers 200 with its error page": (response) => {
    response.end("<html>success</html>");
  },
  "answers JSON that says no": (response) => {
    response.end('{"code":1,"message":"success"}');
  },
  "hangs up": (response) => {
    response.destroy();
  },
};

/** An app that confirms in the other way that the contract knows. */
export const confirmInJson: Manner = (response) => {
  response.end('\n{"code": 0, "message": "ok"}\n');
};
