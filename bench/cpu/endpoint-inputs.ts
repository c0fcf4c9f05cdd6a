import { ENDPOINT_BODY, fill, FORM, JSON_TYPE, type Input } from "./input.ts";

/** Whose requests are imitated: an app's id is no secret. */
export interface ImitatedApps {
  readonly appId: number;
  /** An app that requires request signatures, and the id of its key, which each request carries. */
  readonly signingAppId: number;
  readonly keyId: string;
}

const SIGN = "0".repeat(40);
/** All characters that some library escapes and another one doesn't. */
const MARKS = "!'()*~";
const EVERYTHING = `${MARKS}/:,;=?@$ 中`;

/** Requests of a stranger to the three endpoints: none has a valid signature. */
export function endpointInputs({ appId, signingAppId, keyId }: ImitatedApps): readonly Input[] {
  const head = `appId=${appId}&sign=${SIGN}`;
  const room = ENDPOINT_BODY - head.length - 20;
  const form = (name: string, rest: string | Uint8Array, contentType = FORM): Input => ({
    name,
    path: "/order",
    headers: { "content-type": contentType },
    body: Buffer.concat([Buffer.from(`${head}&`), Buffer.from(rest)]),
  });
  const json = (name: string, members: string): Input => ({
    name: `JSON: ${name}`,
    path: "/order",
    headers: { "content-type": JSON_TYPE },
    body: `{"appId":${appId},"sign":"${SIGN}"${members}}`,
  });
  return [
    form("a short wrong signature", "order_id=1"),
    form(`16 KB of ${MARKS}`, `p=${fill(MARKS, room)}`),
    {
      ...form(`16 KB of ${MARKS}, unknown app`, `p=${fill(MARKS, room)}`),
      body: `appId=999999&sign=${SIGN}&p=${fill(MARKS, room)}`,
    },
    form("16 KB of everything that varies", `p=${fill(encodeSome(EVERYTHING), room)}`),
    form("the same in 60 parameters", spread(60, room)),
    form("16 KB of Chinese", `p=${fill("中", room)}`),
    form("16 KB of Chinese and marks", `p=${fill(`中${MARKS} `, room)}`),
    form("16 KB of escapes", `p=${fill("%E4%B8%AD", room)}`),
    form("16 KB of escaped marks", `p=${fill("%21%27%28%29%2A%7E%20%2F", room)}`),
    form("16 KB of +", `p=${fill("+", room)}`),
    form("16 KB of letters", `p=${fill("x", room)}`),
    form("16 KB of =", `p=${fill("=", room)}`),
    form("16 KB of &", fill("&", room)),
    form("5,000 parameters", many(5_000, room)),
    form("one name 4,000 times", fill("a=1&", room)),
    form("a name of 16 KB", `${fill("x", room)}=1`),
    form("an escaped name of 16 KB", `${fill("%61", room)}=1`),
    form("16 KB, then a broken escape", `p=${fill("%E4%B8%AD", room)}%`),
    form(
      "16 KB, then a byte that isn't UTF-8",
      Buffer.concat([Buffer.from(`p=${fill("中", room)}`), Buffer.from([0xff])]),
    ),
    form("16 KB of bytes that aren't UTF-8", Buffer.alloc(room, 0xff)),
    form("a charset 4,000 times", "order_id=1", `${FORM}${fill(";charset=utf-8", 4_000)}`),
    json("16 KB of marks", `,"p":"${fill(MARKS, room)}"`),
    json("16 KB of everything that varies", `,"p":"${fill(EVERYTHING, room)}"`),
    json("16 KB of escapes", `,"p":"${fill("\\u4e2d", room)}"`),
    json("16 KB of escaped quotes", `,"p":"${fill('\\"', room)}"`),
    json("a number of 16 KB", `,"p":${fill("9", room)}`),
    json("a number of 16 KB as order_id", `,"order_id":${fill("9", room)}`),
    json("2,000 members", manyMembers(room)),
    json("one name 2,500 times", fill(',"a":1', room)),
    json("16 KB of spaces", fill(" ", room)),
    json("a deep array", `,"p":${"[".repeat(room / 2)}${"]".repeat(room / 2)}`),
    json("deep objects", `,"p":${'{"a":'.repeat(room / 8)}1${"}".repeat(room / 8)}`),
    rawJson("an unclosed array of 16 KB", "[".repeat(ENDPOINT_BODY)),
    rawJson("a string of 16 KB that doesn't end", `"${fill("\\\\", ENDPOINT_BODY - 1)}`),
    { ...form("desc of 16 KB", `desc=${fill(MARKS, room)}`), path: "/pay/create-order" },
    { ...form("a longest order of marks", longestOrder()), path: "/pay/create-order" },
    { ...form("clientIp of 16 KB", `clientIp=${fill("1:", room)}`), path: "/pay/create-order" },
    {
      ...form("a number of 16 KB as refundFree", `refundFree=${fill("9", room)}`),
      path: "/refund/refund-money",
    },
    form("64 KB", `p=${"x".repeat(64 * 1024)}`),
    form("1 MB", `p=${"x".repeat(1024 * 1024)}`),
    ...signatureInputs(signingAppId, keyId),
    { name: "GET /order", method: "GET", path: "/order", headers: {}, body: "" },
  ];
}

/** Leaves the characters of a form's syntax escaped. */
function encodeSome(text: string): string {
  return text.replaceAll("=", "%3D").replaceAll(" ", "+");
}

function spread(count: number, room: number): string {
  const value = fill(encodeSome(EVERYTHING), room / count - 6);
  return Array.from({ length: count }, (_, at) => `p${at}=${value}`).join("&");
}

function many(count: number, room: number): string {
  return Array.from({ length: count }, (_, at) => at.toString(36))
    .join("&")
    .slice(0, room);
}

function manyMembers(room: number): string {
  const text = Array.from({ length: 2_000 }, (_, at) => `,"${at.toString(36)}":1`).join("");
  return text.slice(0, text.lastIndexOf(",", room));
}

/** Every parameter as long as the contract allows. */
function longestOrder(): string {
  const values = { openId: 128, desc: 127, tag: 32, attach: 127, accessToken: 512, url: 2048 };
  return Object.entries(values)
    .map(
      ([name, length]) =>
        `${name}=${fill(EVERYTHING.replaceAll("=", "").replace("中", ""), length).replaceAll(" ", "+")}`,
    )
    .join("&");
}

/** Requests of a stranger to an app that requires request signatures. */
function signatureInputs(appId: number, keyId: string): readonly Input[] {
  const body = `appId=${appId}&sign=${SIGN}&p=`.padEnd(ENDPOINT_BODY, "x");
  const created = Math.floor(Date.now() / 1000) - 60;
  const claims = `;created=${created};expires=${created + 300};keyid="${keyId}";tag="wechat-pay-gateway"`;
  const names = '"@method" "@authority" "@path" "content-type" "content-digest"';
  const digest = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
  const signature = `s=:${Buffer.alloc(64).toString("base64")}:`;
  const valid = { "signature-input": `s=(${names})${claims}`, signature, "content-digest": digest };
  const of = (name: string, headers: Readonly<Record<string, string>>): Input => ({
    name: `RFC 9421: ${name}`,
    path: "/order",
    headers: { "content-type": FORM, ...valid, ...headers },
    body,
  });
  return [
    of("a wrong digest", {}),
    of("4 KB of labels", {
      "signature-input": `s=(${names})${claims}${repeatUnit((at) => `, l${at}=()`)}`,
    }),
    of("4 KB of parameters", {
      "signature-input": `s=(${names})${claims}${repeatUnit((at) => `;p${at}`)}`,
    }),
    of("4 KB of components", {
      "signature-input": `s=(${names} ${repeatUnit((at) => `"x-${at}" `)})${claims}`,
    }),
    of("4 KB of one string", {
      "signature-input": `s=(${names});a="${repeatUnit(() => '\\"')}"${claims}`,
    }),
    of("4 KB of digests", {
      "content-digest": `${digest}${repeatUnit((at) => `, d${at}=:AAAA:`)}`,
    }),
    of("4 KB of base64", { signature: `s=:${"AAAA".repeat(900)}:` }),
    of("30 KB of Signature-Input", {
      "signature-input": `s=(${names})${claims}, ${"x=(), ".repeat(5_000)}y=()`,
    }),
  ];
}

/** As many units as leave room for the required parts of a header of 4 KB. */
function repeatUnit(unit: (at: number) => string): string {
  let text = "";
  for (let at = 0; text.length + unit(at).length < 3_500; at += 1) text += unit(at);
  return text;
}

function rawJson(name: string, body: string): Input {
  return { name: `JSON: ${name}`, path: "/order", headers: { "content-type": JSON_TYPE }, body };
}
