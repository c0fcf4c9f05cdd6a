import { env } from "cloudflare:workers";
import { send } from "./gateway.ts";

/** Sends a request to the admin API through the gateway; throws unless it succeeds. */
export async function operator(method: string, path: string, body?: object): Promise<Response> {
  const response = await send(path, {
    method,
    headers: {
      authorization: `Bearer ${env.ADMIN_TOKEN}`,
      "content-type": "application/json",
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(await response.text());
  return response;
}

/** Changes settings of an app, as an operator does. */
export async function changeApp(
  { appId }: { readonly appId: number },
  changes: object,
): Promise<void> {
  await operator("PATCH", `/admin/apps/${appId}`, changes);
}
