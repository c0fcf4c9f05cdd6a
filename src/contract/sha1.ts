const encoder = new TextEncoder();

/** SHA-1 of the UTF-8 bytes of `text`, as 40 lower-case hex characters. */
export async function sha1Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", encoder.encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
