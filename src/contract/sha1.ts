const encoder = new TextEncoder();

/** SHA-1 of bytes, or of the UTF-8 bytes of text, as 40 lower-case hex characters. */
export async function sha1Hex(message: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof message === "string" ? encoder.encode(message) : message;
  const digest = await crypto.subtle.digest("SHA-1", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
