import { findMerchant } from "../ledger/merchants.ts";
import type { Notification } from "../ledger/notifications.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { readXml } from "../v2/xml.ts";
import { signBody } from "../v3/signed-message.ts";
import { keyForNotification } from "../v3/signing-key.ts";
import type { DeliveryRequest } from "./deliver.ts";

const USER_AGENT = "Mozilla/4.0";

/** The HTTP request of a delivery attempt. In APIv3 each attempt has a signature of its own. */
export function deliveryRequest(
  { sql, now }: LedgerTransaction,
  notification: Notification,
): DeliveryRequest {
  const { url, body, protocol } = notification;
  switch (protocol) {
    case "v2":
      return {
        url,
        headers: { "content-type": "text/xml", "user-agent": USER_AGENT },
        body,
        isAcknowledgement: (status, response) => status === 200 && isSuccess(response),
      };
    case "v3": {
      const merchant = findMerchant(sql, notification.mchId);
      if (merchant === null) throw new Error(`no merchant ${notification.mchId}`);
      const key = keyForNotification(merchant, body);
      const message = signBody(body, key, now, notification.tampering);
      return {
        url,
        headers: {
          "content-type": "application/json",
          "user-agent": USER_AGENT,
          ...message.headers,
        },
        body: message.body,
        isAcknowledgement: (status) => status === 200 || status === 204,
      };
    }
  }
}

function isSuccess(response: string): boolean {
  const document = readXml(response);
  return (
    document.ok &&
    document.value.root === "xml" &&
    document.value.fields.get("return_code") === "SUCCESS"
  );
}
