import { createHash, createHmac } from "node:crypto";
import type {
  MerchantKeys,
  Message,
  NotificationWriter,
  PaymentFacts,
} from "./notification-writer.ts";

type Fields = Readonly<Record<string, string>>;
type Keys = Pick<MerchantKeys, "apiKey" | "signType">;

/** APIv2: XML that contains its signature. */
export const V2_NOTIFICATIONS: NotificationWriter = {
  write: (facts, keys) => signed(fieldsOf(facts), keys),
  writeInvalid: (facts, keys) => {
    const fields = fieldsOf(facts);
    const { body } = signed(fields, keys);
    return {
      unsigned: message(xml(fields)),
      "changed after signing": message(body.replace("<![CDATA[CNY]]>", "<![CDATA[USD]]>")),
      "with an entity": message(body.replace("<xml>", '<!DOCTYPE x [<!ENTITY e "1">]><xml>')),
    };
  },
};

function fieldsOf(facts: PaymentFacts): Fields {
  return {
    appid: facts.appId,
    ...(facts.attach === null ? {} : { attach: facts.attach }),
    bank_type: "OTHERS",
    cash_fee: String(facts.totalFen),
    fee_type: "CNY",
    is_subscribe: "N",
    mch_id: facts.mchId,
    nonce_str: "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
    openid: facts.openid,
    out_trade_no: facts.orderNumber,
    result_code: facts.success ? "SUCCESS" : "FAIL",
    return_code: "SUCCESS",
    time_end: "20261122153000",
    total_fee: String(facts.totalFen),
    trade_type: "JSAPI",
    transaction_id: facts.transactionId,
  };
}

function signed(fields: Fields, keys: Keys): Message {
  return message(xml({ ...fields, sign: sign(fields, keys) }));
}

function message(body: string): Message {
  return { headers: { "content-type": "text/xml" }, body };
}

function xml(fields: Fields): string {
  const elements = Object.entries(fields).map(([name, value]) => {
    return `<${name}><![CDATA[${value}]]></${name}>`;
  });
  return `<xml>\n${elements.join("\n")}\n</xml>`;
}

/** WeChat: non-empty values sorted by name, `&key=`, MD5 or HMAC-SHA256, upper-case hex. */
function sign(fields: Fields, { apiKey, signType }: Keys): string {
  const pairs = Object.keys(fields)
    .filter((name) => fields[name] !== "")
    .toSorted()
    .map((name) => `${name}=${fields[name] ?? ""}`);
  const text = `${pairs.join("&")}&key=${apiKey}`;
  const hash = signType === "MD5" ? createHash("md5") : createHmac("sha256", apiKey);
  return hash.update(text, "utf8").digest("hex").toUpperCase();
}
