/** Secrets of the shared stack that no other text could hold by chance. */
export const CANARIES = {
  adminToken: "canary-admin-token-7f3b0c5e",
  masterKey: Buffer.from("canary-master-key-with-32-bytes!").toString("base64"),
} as const;
