import { createDecipheriv } from "node:crypto";
import { expect, test } from "vitest";
import { encryptEcb } from "../src/v2/notifications.ts";
import { readXml } from "../src/v2/xml.ts";
import vectors from "./vectors/v2-refund-notify.json";

const [primitive, fixture] = vectors.vectors;

test(primitive?.name ?? "", () => {
  expect(encryptEcb(primitive?.plaintext ?? "", primitive?.key ?? "")).toBe(primitive?.ciphertext);
});

test("encryptEcb encrypts text of several blocks", () => {
  const key = "0123456789abcdef0123456789abcdef";
  const text = fixture?.plaintext_xml ?? "";
  const decipher = createDecipheriv("aes-256-ecb", key, null);
  const bytes = Buffer.from(encryptEcb(text, key), "base64");
  expect(Buffer.concat([decipher.update(bytes), decipher.final()]).toString("utf8")).toBe(text);
});

test(fixture?.name ?? "", () => {
  const document = readXml(fixture?.plaintext_xml ?? "");
  if (!document.ok) throw new Error(document.error);
  expect(document.value.root).toBe("root");
  expect(document.value.fields.get("refund_recv_accout")).toBe("支付用户零钱");
});
