import { Hono } from "hono";
import { control } from "./control/routes.ts";
import { COMMON_CALLS } from "./ledger/fault-names.ts";
import { ledgerStub } from "./ledger-stub.ts";
import { liveParts, page } from "./page/page.ts";
import { BILL_PATH } from "./v2/bill.ts";
import { ENDPOINTS } from "./v2/endpoints.ts";
import { REQUEST_HEADERS } from "./v3/headers.ts";
import { errorPage, respond } from "./wire/respond.ts";

export { Ledger } from "./ledger.ts";

const app = new Hono<{ Bindings: Env }>();

app.get("/health", (c) => c.json({ ok: true }));
app.route("/sandbox/api", control);
app.get("/", async (c) => await page(await ledgerStub(c.env).state()));
app.get("/parts", async (c) => await liveParts(await ledgerStub(c.env).state()));

for (const call of COMMON_CALLS) {
  // Every method: WeChat Pay responds to a GET in XML too.
  app.all(ENDPOINTS[call].path, async (c) => {
    const body = new Uint8Array(await c.req.arrayBuffer());
    const ledger = ledgerStub(c.env);
    return await respond(await ledger.receiveV2({ call, method: c.req.method, body }), ledger);
  });
}

app.all(BILL_PATH, async (c) => {
  const body = new Uint8Array(await c.req.arrayBuffer());
  const ledger = ledgerStub(c.env);
  return await respond(await ledger.downloadBillV2(c.req.method, body), ledger);
});

app.all("/v3/*", async (c) => {
  const { method, url, headers } = c.req.raw;
  const { origin } = new URL(url);
  const call = {
    method,
    origin,
    // Exactly as received, because it is part of the signed message.
    target: url.slice(origin.length),
    headers: Object.fromEntries(
      REQUEST_HEADERS.flatMap((name) => {
        const value = headers.get(name);
        return value === null ? [] : [[name, value]];
      }),
    ),
    body: new Uint8Array(await c.req.arrayBuffer()),
  };
  const ledger = ledgerStub(c.env);
  return await respond(await ledger.receiveV3(call), ledger);
});

app.notFound(() => errorPage(404, "Not Found"));

export default app;
