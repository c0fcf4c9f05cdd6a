import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { dataOf, USUAL_ORDER } from "../../testkit/app-client.ts";
import { CANARIES } from "./support/canaries.ts";
import { openShop } from "./support/shop.ts";

/** Requests that no HTTP library writes: the server in front decides what reaches the gateway. */

const FORM = "Content-Type: application/x-www-form-urlencoded";
const CRLF = "\r\n";

/** A request from its lines and its body. */
const http = (lines: readonly string[], body = ""): string => [...lines, "", ""].join(CRLF) + body;

const posts = (headers: readonly string[], body = ""): string =>
  http(["POST /order HTTP/1.1", "Host: x", FORM, ...headers], body);

/** A valid request behind an invalid one, as in request smuggling. */
const SMUGGLED = http([
  "GET /admin/apps HTTP/1.1",
  "Host: x",
  `Authorization: Bearer ${CANARIES.adminToken}`,
]);

/** Malformed requests, or nearly: whichever server answers, none may have an effect. */
const REQUESTS: Readonly<Record<string, string>> = {
  "an empty line": CRLF,
  "a word": `x${CRLF}${CRLF}`,
  "no HTTP version": `GET /health${CRLF}${CRLF}`,
  "an unknown HTTP version": http(["GET /health HTTP/9.9", "Host: x"]),
  "the HTTP/2 preface": `PRI * HTTP/2.0${CRLF}${CRLF}SM${CRLF}${CRLF}`,
  "a TLS handshake": "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
  "an unknown method": http(["PAY /order HTTP/1.1", "Host: x"]),
  "the method CONNECT": http(["CONNECT 169.254.169.254:80 HTTP/1.1", "Host: x"]),
  "a lower-case method": http(["post /order HTTP/1.1", "Host: x", "Content-Length: 0"]),
  "an absolute URL of another server": http(["GET http://evil.example/health HTTP/1.1", "Host: x"]),
  "the path *": http(["OPTIONS * HTTP/1.1", "Host: x"]),
  "a path without a slash": http(["GET health HTTP/1.1", "Host: x"]),
  "a space in the path": http(["GET /hea lth HTTP/1.1", "Host: x"]),
  "a raw NUL in the path": http(["GET /hea\u0000lth HTTP/1.1", "Host: x"]),
  "raw bytes in the path": http(["GET /\u00ff\u00fe HTTP/1.1", "Host: x"]),
  "a path above the root": http(["GET /../../etc/passwd HTTP/1.1", "Host: x"]),
  "a path of sixty thousand letters": http([`GET /${"a".repeat(60_000)} HTTP/1.1`, "Host: x"]),
  "no host": http(["GET /admin/apps HTTP/1.1"]),
  "two hosts": http(["GET /admin/apps HTTP/1.1", "Host: x", "Host: y"]),
  "a host with a path": http(["GET /admin/apps HTTP/1.1", "Host: x/y"]),
  "a header without a colon": http(["GET /admin/apps HTTP/1.1", "Host: x", "Authorization Bearer"]),
  "a space before a header's colon": http([
    "GET /admin/apps HTTP/1.1",
    "Host: x",
    "Authorization : Bearer x",
  ]),
  "a folded header": http([
    "GET /admin/apps HTTP/1.1",
    "Host: x",
    "Authorization: Bearer",
    " canary-folded-token",
  ]),
  "a bare line feed in a header": http([
    "GET /admin/apps HTTP/1.1",
    "Host: x",
    "X-Name: a\nAuthorization: Bearer x",
  ]),
  "a bare carriage return in a header": http([
    "GET /admin/apps HTTP/1.1",
    "Host: x",
    "X-Name: a\rb",
  ]),
  "a raw NUL in a header": http(["GET /admin/apps HTTP/1.1", "Host: x", "X-Name: a\u0000b"]),
  "ten thousand headers": http([
    "GET /admin/apps HTTP/1.1",
    "Host: x",
    ...Array.from({ length: 10_000 }, (_, at) => `X-${at}: 1`),
  ]),
  "two Authorization headers": http([
    "GET /admin/apps HTTP/1.1",
    "Host: x",
    "Authorization: Bearer canary-first-token",
    "Authorization: Bearer canary-second-token",
  ]),
  "no Content-Length": posts([], "appId=1"),
  "a negative length": posts(["Content-Length: -1"], "appId=1"),
  "a length in hex": posts(["Content-Length: 0x7"], "appId=1"),
  "a length with a plus": posts(["Content-Length: +7"], "appId=1"),
  "a length of 20 digits": posts(["Content-Length: 99999999999999999999"], "appId=1"),
  "two different lengths": posts(["Content-Length: 7", "Content-Length: 3"], "appId=1"),
  "Content-Length and chunks": posts(
    ["Content-Length: 4", "Transfer-Encoding: chunked"],
    `0${CRLF}${CRLF}${SMUGGLED}`,
  ),
  "an unknown transfer encoding": posts(["Transfer-Encoding: xchunked"], `0${CRLF}${CRLF}`),
  "chunked twice": posts(["Transfer-Encoding: chunked, chunked"], `0${CRLF}${CRLF}`),
  "a chunk without a size": posts(["Transfer-Encoding: chunked"], `${CRLF}appId=1${CRLF}`),
  "a chunk size that isn't hex": posts(["Transfer-Encoding: chunked"], `zz${CRLF}appId=1${CRLF}`),
  "a negative chunk size": posts(["Transfer-Encoding: chunked"], `-1${CRLF}appId=1${CRLF}`),
  "a chunk size of 18 digits": posts(
    ["Transfer-Encoding: chunked"],
    `ffffffffffffffffff${CRLF}appId=1${CRLF}`,
  ),
  "a chunk longer than its size": posts(
    ["Transfer-Encoding: chunked"],
    `2${CRLF}appId=1${CRLF}0${CRLF}${CRLF}`,
  ),
  "truncated chunks": posts(["Transfer-Encoding: chunked"], `7${CRLF}appId`),
  "a chunk extension": posts(["Transfer-Encoding: chunked"], `0;a=b${CRLF}${CRLF}`),
  "a trailer with a token": posts(
    ["Transfer-Encoding: chunked", "Trailer: Authorization"],
    `0${CRLF}Authorization: Bearer x${CRLF}${CRLF}`,
  ),
  "a truncated body": posts(["Content-Length: 1000"], "appId=1"),
  "a truncated notification": http(
    ["POST /notify/v2/1/pay HTTP/1.1", "Host: x", "Content-Length: 1000"],
    "<xml>",
  ),
  "a truncated admin request": http(
    [
      "POST /admin/apps HTTP/1.1",
      "Host: x",
      "Content-Type: application/json",
      `Authorization: Bearer ${CANARIES.adminToken}`,
      "Content-Length: 1000",
    ],
    '{"name":"canary",',
  ),
  "an encoded line end in the query": http(["GET /health?a=%0d%0aX-Evil:%201 HTTP/1.1", "Host: x"]),
  "an upgrade to HTTP/2": http([
    "GET /health HTTP/1.1",
    "Host: x",
    "Connection: Upgrade",
    "Upgrade: h2c",
  ]),
};

/**
 * Writes the request, ends it, and returns everything that comes back until the connection closes.
 * `stride`: bytes per write.
 */
async function exchange(gatewayUrl: string, request: string, stride?: number): Promise<string> {
  const { port, hostname } = new URL(gatewayUrl);
  return await new Promise((resolve) => {
    let received = "";
    const socket = connect(Number(port), hostname);
    socket.setEncoding("latin1").setNoDelay(true);
    socket.on("data", (text: string) => {
      received += text;
    });
    // Closing the connection is an acceptable answer.
    socket.on("error", () => resolve(received));
    socket.on("close", () => resolve(received));
    if (stride === undefined) socket.end(request, "latin1");
    else writeSlowly(socket, request, stride);
  });
}

/** Writes each piece after the previous one was sent. The server closes the connection. */
function writeSlowly(socket: Socket, rest: string, stride: number): void {
  if (rest === "") return;
  socket.write(rest.slice(0, stride), "latin1", () => {
    setImmediate(() => writeSlowly(socket, rest.slice(stride), stride));
  });
}

test("malformed HTTP is refused or dropped, and the answers disclose nothing", async (t) => {
  const { gatewayUrl, app } = await openShop(t);
  const received = await Promise.all(
    Object.entries(REQUESTS).map(
      async ([name, request]) => [name, await exchange(gatewayUrl, request)] as const,
    ),
  );
  const faults = received.flatMap(([name, text]) => {
    // Without a request id, the answer is that of the development server in front of the gateway.
    const [, status = ""] = /^HTTP\/1\.1 (\d{3})[^]*\r\nx-request-id: /i.exec(text) ?? [];
    return [
      ...(status.startsWith("5") ? [`${name}: ${status}`] : []),
      ...(status !== "" && /\n\s+at |\.ts:\d|D1_ERROR/.test(text) ? [`${name}: internals`] : []),
      ...(/canary|payNotifyUrl|\r\nX-Evil: 1/i.test(text)
        ? [`${name}: something got through`]
        : []),
    ];
  });
  expect(faults).toEqual([]);
  const reached = received.filter(([, text]) => /\r\nx-request-id: /i.test(text));
  expect(reached.length).toBeGreaterThan(10);
  // The gateway still serves.
  expect(dataOf(await app.createOrder()).orderId).toBeGreaterThan(0);
});

test("a request that arrives byte by byte is served", async (t) => {
  const { gatewayUrl, app } = await openShop(t);
  const { path, body, contentType } = app.sign("/pay/create-order", USUAL_ORDER);
  const chunks = body
    .split("")
    .map((byte) => `1${CRLF}${byte}${CRLF}`)
    .join("");
  const head = [`POST ${path} HTTP/1.1`, "Host: x", `Content-Type: ${contentType}`];
  const request = http([...head, "Transfer-Encoding: chunked", "Connection: close"]);
  const received = await exchange(gatewayUrl, `${request}${chunks}0${CRLF}${CRLF}`, 1);
  expect(received).toMatch(/^HTTP\/1\.1 200 /);
  expect(received).toContain('"code":0');
});
