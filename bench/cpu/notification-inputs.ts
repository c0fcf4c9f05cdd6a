import { randomBytes } from "node:crypto";
import type { Message } from "../../testkit/notification-writer.ts";
import type { Merchant } from "../../testkit/shop.ts";
import { fill, NOTIFICATION_BODY, type Input } from "./input.ts";

const ROOM = NOTIFICATION_BODY - 1_000;

/** Notifications of a stranger in APIv2. A merchant's ids are no secret. */
export function v2Inputs({ id, mchId }: Merchant, genuine: Message): readonly Input[] {
  const inside = (name: string, content: string, path = "pay"): Input => ({
    name: `v2: ${name}`,
    path: `/notify/v2/${id}/${path}`,
    headers: { "content-type": "text/xml" },
    body: `<xml>${content}</xml>`,
  });
  const known = `<return_code>SUCCESS</return_code><mch_id>${mchId}</mch_id><sign>${"A".repeat(64)}</sign>`;
  return [
    {
      ...inside("a wrong signature", ""),
      body: genuine.body.replace("<![CDATA[CNY]]>", "<![CDATA[USD]]>"),
    },
    inside("590 fields", known + fields(590, 1)),
    inside("590 fields in 64 KB", known + fields(590, 90)),
    inside("390 fields of CDATA", known + sections(390, 120)),
    inside("1,490 fields", known + fields(1_490, 1)),
    inside("1,490 fields in 64 KB", known + fields(1_490, 25)),
    inside("64 KB of fields without an end", fill("<a>", ROOM)),
    inside("64 KB of empty fields", fill("<a/>", ROOM)),
    inside("64 KB of <", fill("<", ROOM)),
    inside("3,000 nested fields", "<a>".repeat(1_495) + "</a>".repeat(1_495)),
    inside("64 KB of text", `${known}<a>${fill("x", ROOM)}</a>`),
    inside("64 KB of Chinese", `${known}<a>${fill("中", ROOM)}</a>`),
    inside("64 KB of CDATA", known + cdata(fill("x", ROOM))),
    inside("64 KB of ] in CDATA", known + cdata(fill("] ", ROOM))),
    inside("64 KB of empty sections", `${known}<a>${fill("<![CDATA[]]>", ROOM)}</a>`),
    inside("64 KB of sections of one letter", `${known}<a>${fill("<![CDATA[x]]>", ROOM)}</a>`),
    inside("64 KB of section starts", fill("<![CDATA[", ROOM)),
    inside("64 KB of references", `${known}<a>${fill("&amp;", ROOM)}</a>`),
    inside("64 KB of numeric references", `${known}<a>${fill("&#1;", ROOM)}</a>`),
    inside("64 KB of &", `${known}<a>${fill("&", ROOM)}</a>`),
    inside("64 KB of spaces", fill(" ", ROOM)),
    inside(
      "64 KB of spaces between fields",
      known + fill("<a> </a> ", 8_000) + fill(" ", ROOM - 8_000),
    ),
    inside("64 KB of spaces in tags", `<a${fill(" ", ROOM)}></a>`),
    inside("a name of 64 KB", `<${fill("a", ROOM / 2)}></${fill("a", ROOM / 2)}>`),
    { ...inside("64 KB that aren't UTF-8", ""), body: Buffer.alloc(NOTIFICATION_BODY, 0xff) },
    { ...inside("64 KB of spaces alone", ""), body: fill(" ", NOTIFICATION_BODY) },
    { ...inside("65 KB", ""), body: fill(" ", NOTIFICATION_BODY + 1_024) },
    { ...inside("1 MB", ""), body: fill("x", 1024 * 1024) },
    { ...inside("an unknown merchant, 64 KB", fill("x", ROOM)), path: "/notify/v2/99999/pay" },
    inside(
      "refund: 48 KB that don't decrypt",
      refund(randomBytes(47_104).toString("base64"), mchId),
      "refund",
    ),
    inside(
      "refund: 64 KB of base64 with a fault",
      refund(`${fill("AAAA", ROOM)}!`, mchId),
      "refund",
    ),
    inside("refund: 1,490 fields", known + fields(1_490, 25), "refund"),
  ];
}

/** Notifications of a stranger in APIv3. */
export function v3Inputs({ id }: Merchant, genuine: Message): readonly Input[] {
  const path = `/notify/v3/${id}/pay`;
  const of = (name: string, headers: Readonly<Record<string, string>>, body: string): Input => ({
    name: `v3: ${name}`,
    path,
    headers: { ...genuine.headers, ...headers },
    body,
  });
  const signature = Buffer.alloc(256, 1).toString("base64");
  return [
    of("a wrong signature", { "Wechatpay-Signature": signature }, genuine.body),
    of(
      "64 KB with a wrong signature",
      { "Wechatpay-Signature": signature },
      fill("x", NOTIFICATION_BODY),
    ),
    of("64 KB of brackets", {}, fill("[", NOTIFICATION_BODY)),
    of(
      "an unknown serial",
      { "Wechatpay-Serial": "7777777777777777777777777777777777777777" },
      genuine.body,
    ),
    of("a signature of 20 KB", { "Wechatpay-Signature": fill("AAAA", 20_000) }, genuine.body),
    of("a serial of 20 KB", { "Wechatpay-Serial": fill("A", 20_000) }, genuine.body),
    of("a probe", { "Wechatpay-Signature": `WECHATPAY/SIGNTEST/${signature}` }, genuine.body),
  ];
}

function refund(reqInfo: string, mchId: string): string {
  return `<return_code>SUCCESS</return_code><mch_id>${mchId}</mch_id><req_info>${reqInfo}</req_info>`;
}

function fields(count: number, size: number): string {
  return Array.from({ length: count }, (_, at) => `<f${at}>${fill("x", size)}</f${at}>`).join("");
}

function sections(count: number, size: number): string {
  return Array.from({ length: count }, (_, at) => {
    return `<f${at}><![CDATA[${fill("x", size)}]]></f${at}>`;
  }).join("");
}

function cdata(text: string): string {
  return `<a><![CDATA[${text}]]></a>`;
}
