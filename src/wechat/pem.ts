import { Buffer } from "node:buffer";

/** A PEM block: its label and its bytes. */
export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array<ArrayBuffer>;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const LINE = /.{1,64}/g;

/**
 * Reads the single PEM block in a pasted text. Its line breaks may be missing, or be the two
 * characters `\n` as in an environment variable. Null when there is no block, more than one, or
 * something other than base64 in it (an encrypted key's headers, for example).
 */
export function readPem(text: string): PemBlock | null {
  const [block, ...others] = text.replaceAll(/\\[rn]/g, "\n").matchAll(BLOCK);
  const [, label, content] = block ?? [];
  if (label === undefined || content === undefined || others.length > 0) return null;
  const base64 = content.replaceAll(/\s/g, "");
  if (base64 === "" || !BASE64.test(base64)) return null;
  return { label, der: Uint8Array.from(Buffer.from(base64, "base64")) };
}

/** Writes a PEM block (RFC 7468). */
export function writePem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString("base64").match(LINE) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
