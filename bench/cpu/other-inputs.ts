import type { Input } from "./input.ts";

/** Requests of a stranger to everything else. */
export function otherInputs(): readonly Input[] {
  const headers = Array.from({ length: 100 }, (_, at) => [`x-${at}`, "y".repeat(100)]);
  return [
    get("an unknown path", "/nothing"),
    get("a path of 16 KB", `/${"a/".repeat(8_000)}`),
    get("an escaped path of 16 KB", `/${"%61".repeat(5_300)}`),
    get("a query of 16 KB", `/order?${"a=1&".repeat(4_000)}`),
    get("100 headers", "/nothing", Object.fromEntries(headers)),
    get("a wrong admin token", "/admin/orders", { authorization: "Bearer x" }),
    get("an admin token of 16 KB", "/admin/orders", {
      authorization: `Bearer ${"x".repeat(16_000)}`,
    }),
    get("/health", "/health"),
  ];
}

function get(name: string, path: string, headers: Readonly<Record<string, string>> = {}): Input {
  return { name, method: "GET", path, headers, body: "" };
}
