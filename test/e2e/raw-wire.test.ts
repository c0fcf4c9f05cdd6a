import { connect, type Socket } from "node:net";
import { expect, it } from "vitest";
import { dataOf, USUAL_ORDER } from "../../testkit/app-client.ts";
import { CANARIES } from "./support/canaries.ts";
import { openShop } from "./support/shop.ts";

/** Requests as no HTTP library would write them: what reaches the gateway is up to the server before it. */

const FORM = "Content-Type: application/x-www-form-urlencoded";
const CRLF = "\r\n";

/** A request by its lines; the last part is the body. */
const http = (lines: readonly string[], body = ""): string => [...lines, "", ""].join(CRLF) + body;

const posts = (headers: readonly string[], body = ""): string =>
  http(["POST /order HTTP/1.1", "Host: x", FORM, ...headers], body);

/** A right request behind a wrong one, as smuggling wants it. */
const SMUGGLED = http([
  "GET /admin/apps HTTP/1.1",
  "Host: x",
  `Authorization: Bearer ${CANARIES.adminToken}`,
]);

/** Malformed on the wire, or nearly: whoever answers, nothing may come of it. */
const REQUESTS: Readonly<Record<string, string>> = {
  nothing: CRLF,
  "a word": `x${CRLF}${CRLF}`,
  "a line without a version": `GET /health${CRLF}${CRLF}`,
  "a version that there isn't": http(["GET /health HTTP/9.9", "Host: x"]),
  "HTTP/2 by its first words": `PRI * HTTP/2.0${CRLF}${CRLF}SM${CRLF}${CRLF}`,
  "the beginning of TLS": "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
  "a method of its own": http(["PAY /order HTTP/1.1", "Host: x"]),
  "the method CONNECT": http(["CONNECT 169.254.169.254:80 HTTP/1.1", "Host: x"]),
  "a method in small letters": http(["post /order HTTP/1.1", "Host: x", "Content-Length: 0"]),
  "another server's address for a path": http([
    "GET http://evil.example/health HTTP/1.1",
    "Host: x",
  ]),
  "a star for a path": http(["OPTIONS * HTTP/1.1", "Host: x"]),
  "a path without its slash": http(["GET health HTTP/1.1", "Host: x"]),
  "a blank in the path": http(["GET /hea lth HTTP/1.1", "Host: x"]),
  "a raw NUL in the path": http(["GET /hea\u0000lth HTTP/1.1", "Host: x"]),
  "raw bytes in the path": http(["GET /\u00ff\u00fe HTTP/1.1", "Host: x"]),
  "dots out of the root": http(["GET /../../etc/passwd HTTP/1.1", "Host: x"]),
  "a path of sixty thousand letters": http([`GET /${"a".repeat(60_000)} HTTP/1.1`, "Host: x"]),
  "no host": http(["GET /admin/apps HTTP/1.1"]),
  "two hosts": http(["GET /admin/apps HTTP/1.1", "Host: x", "Host: y"]),
  "a host with a path": http(["GET /admin/apps HTTP/1.1", "Host: x/y"]),
  "a header without a colon": http(["GET /admin/apps HTTP/1.1", "Host: x", "Authorization Bearer"]),
  "a header with a blank before its colon": http([
    "GET /admin/apps HTTP/1.1",
    "Host: x",
    "Authorization : Bearer x",
  ]),
  "a header over two lines": http([
    "GET /admin/apps HTTP/1.1",
    "Host: x",
    "Authorization: Bearer",
    " canary-folded-token",
  ]),
  "a bare line's end in a header": http([
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
  "two tokens": http([
    "GET /admin/apps HTTP/1.1",
    "Host: x",
    "Authorization: Bearer canary-first-token",
    "Authorization: Bearer canary-second-token",
  ]),
  "no length": posts([], "appId=1"),
  "a length below zero": posts(["Content-Length: -1"], "appId=1"),
  "a length in hex": posts(["Content-Length: 0x7"], "appId=1"),
  "a length with a plus": posts(["Content-Length: +7"], "appId=1"),
  "a length beyond all": posts(["Content-Length: 99999999999999999999"], "appId=1"),
  "two different lengths": posts(["Content-Length: 7", "Content-Length: 3"], "appId=1"),
  "a length and chunks": posts(
    ["Content-Length: 4", "Transfer-Encoding: chunked"],
    `0${CRLF}${CRLF}${SMUGGLED}`,
  ),
  "chunks in another spelling": posts(["Transfer-Encoding: xchunked"], `0${CRLF}${CRLF}`),
  "chunks twice": posts(["Transfer-Encoding: chunked, chunked"], `0${CRLF}${CRLF}`),
  "a chunk without a size": posts(["Transfer-Encoding: chunked"], `${CRLF}appId=1${CRLF}`),
  "a chunk's size of no hex": posts(["Transfer-Encoding: chunked"], `zz${CRLF}appId=1${CRLF}`),
  "a chunk's size below zero": posts(["Transfer-Encoding: chunked"], `-1${CRLF}appId=1${CRLF}`),
  "a chunk's size beyond all": posts(
    ["Transfer-Encoding: chunked"],
    `ffffffffffffffffff${CRLF}appId=1${CRLF}`,
  ),
  "a chunk longer than its size": posts(
    ["Transfer-Encoding: chunked"],
    `2${CRLF}appId=1${CRLF}0${CRLF}${CRLF}`,
  ),
  "chunks that break off": posts(["Transfer-Encoding: chunked"], `7${CRLF}appId`),
  "a chunk's extension": posts(["Transfer-Encoding: chunked"], `0;a=b${CRLF}${CRLF}`),
  "a trailer with a token": posts(
    ["Transfer-Encoding: chunked", "Trailer: Authorization"],
    `0${CRLF}Authorization: Bearer x${CRLF}${CRLF}`,
  ),
  "half a body": posts(["Content-Length: 1000"], "appId=1"),
  "half a body of a notification": http(
    ["POST /notify/v2/1/pay HTTP/1.1", "Host: x", "Content-Length: 1000"],
    "<xml>",
  ),
  "half a body of the operator's": http(
    [
      "POST /admin/apps HTTP/1.1",
      "Host: x",
      "Content-Type: application/json",
      `Authorization: Bearer ${CANARIES.adminToken}`,
      "Content-Length: 1000",
    ],
    '{"name":"canary",',
  ),
  "a line's end in a query": http(["GET /health?a=%0d%0aX-Evil:%201 HTTP/1.1", "Host: x"]),
  "a wish for a protocol of its own": http([
    "GET /health HTTP/1.1",
    "Host: x",
    "Connection: Upgrade",
    "Upgrade: h2c",
  ]),
};

/**
 * Writes, says that no more will come, and gathers what comes back until the other side is done.
 * `stride`: so many bytes at a time.
 */
async function exchange(gatewayUrl: string, request: string, stride?: number): Promise<string> {
  const { port, hostname } = new URL(gatewayUrl);
  return await new Promise((resolve) => {
    let heard = "";
    const socket = connect(Number(port), hostname);
    socket.setEncoding("latin1").setNoDelay(true);
    socket.on("data", (text: string) => {
      heard += text;
    });
    // Hanging up on such a caller is an answer too.
    socket.on("error", () => resolve(heard));
    socket.on("close", () => resolve(heard));
    if (stride === undefined) socket.end(request, "latin1");
    else writeSlowly(socket, request, stride);
  });
}

/** Each piece once the one before has gone out. Leaves the end to the other side. */
function writeSlowly(socket: Socket, rest: string, stride: number): void {
  if (rest === "") return;
  socket.write(rest.slice(0, stride), "latin1", () => {
    setImmediate(() => writeSlowly(socket, rest.slice(stride), stride));
  });
}

it("what is no HTTP is refused or dropped, and shows nothing", async (t) => {
  const { gatewayUrl, app } = await openShop(t);
  const heard = await Promise.all(
    Object.entries(REQUESTS).map(
      async ([name, request]) => [name, await exchange(gatewayUrl, request)] as const,
    ),
  );
  const faults = heard.flatMap(([name, text]) => {
    // Without an id it is the server's own word, which stands before the gateway in development.
    const [, status = ""] = /^HTTP\/1\.1 (\d{3})[^]*\r\nx-request-id: /i.exec(text) ?? [];
    return [
      ...(status.startsWith("5") ? [`${name}: ${status}`] : []),
      ...(status !== "" && /\n\s+at |\.ts:\d|D1_ERROR/.test(text) ? [`${name}: insides`] : []),
      ...(/canary|payNotifyUrl|\r\nX-Evil: 1/i.test(text)
        ? [`${name}: something got through`]
        : []),
    ];
  });
  expect(faults).toEqual([]);
  const reached = heard.filter(([, text]) => /\r\nx-request-id: /i.test(text));
  expect(reached.length).toBeGreaterThan(10);
  // All of that has left the gateway well.
  expect(dataOf(await app.createOrder()).orderId).toBeGreaterThan(0);
});

it("a request that comes byte by byte is a request like any other", async (t) => {
  const { gatewayUrl, app } = await openShop(t);
  const { path, body, contentType } = app.sign("/pay/create-order", USUAL_ORDER);
  const chunks = body
    .split("")
    .map((byte) => `1${CRLF}${byte}${CRLF}`)
    .join("");
  const head = [`POST ${path} HTTP/1.1`, "Host: x", `Content-Type: ${contentType}`];
  const request = http([...head, "Transfer-Encoding: chunked", "Connection: close"]);
  const heard = await exchange(gatewayUrl, `${request}${chunks}0${CRLF}${CRLF}`, 1);
  expect(heard).toMatch(/^HTTP\/1\.1 200 /);
  expect(heard).toContain('"code":0');
});
