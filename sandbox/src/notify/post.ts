import { impossible } from "../exhaustive.ts";
import type { Books } from "../ledger/books.ts";
import { findMerchant } from "../ledger/merchants.ts";
import type { Notification } from "../ledger/notifications.ts";
import { readXml } from "../v2/xml.ts";
import { keyForNotification } from "../v3/choose-key.ts";
import { sealed } from "../v3/seal.ts";
import type { Post } from "./delivery.ts";

const USER_AGENT = "Mozilla/4.0";

/** What goes over the wire for an attempt: in APIv3 each attempt is signed anew, at its own time. */
export function postOf({ sql, now }: Books, notification: Notification): Post {
  const { url, body, protocol } = notification;
  switch (protocol) {
    case "v2":
      return {
        url,
        headers: { "content-type": "text/xml", "user-agent": USER_AGENT },
        body,
        received: (status, answer) => status === 200 && saysSuccess(answer),
      };
    case "v3": {
      const merchant = findMerchant(sql, notification.mchId);
      if (merchant === undefined) throw new Error(`no merchant ${notification.mchId}`);
      const key = keyForNotification(merchant, body);
      const message = sealed(body, key, now, notification.treatment ?? undefined);
      return {
        url,
        headers: {
          "content-type": "application/json",
          "user-agent": USER_AGENT,
          ...message.headers,
        },
        body: message.body,
        received: (status) => status === 200 || status === 204,
      };
    }
  }
  return impossible(protocol);
}

function saysSuccess(answer: string): boolean {
  const reading = readXml(answer);
  return reading.ok && reading.root === "xml" && reading.fields.get("return_code") === "SUCCESS";
}
