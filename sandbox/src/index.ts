import { Hono } from "hono";
import { books } from "./books-stub.ts";
import { control } from "./control/routes.ts";
import { COMMON_CALLS } from "./ledger/fault-names.ts";
import { liveParts, page } from "./page/page.ts";
import { HANDLERS } from "./v2/dispatch.ts";
import { READ_HEADERS } from "./v3/headers.ts";
import { errorPage, respond } from "./wire/respond.ts";

export { Ledger } from "./ledger.ts";

const app = new Hono<{ Bindings: Env }>();

app.get("/health", (c) => c.json({ ok: true }));
app.route("/sandbox/api", control);
app.get("/", async (c) => await page(await books(c.env).state()));
app.get("/parts", async (c) => await liveParts(await books(c.env).state()));

for (const call of COMMON_CALLS) {
  // Every method: WeChat Pay answers a GET in XML too.
  app.all(HANDLERS[call].path, async (c) => {
    const body = new Uint8Array(await c.req.arrayBuffer());
    const ledger = books(c.env);
    return await respond(await ledger.receive({ call, method: c.req.method, body }), ledger);
  });
}

app.all("/pay/downloadbill", async (c) => {
  const body = new Uint8Array(await c.req.arrayBuffer());
  const ledger = books(c.env);
  return await respond(await ledger.downloadBill(c.req.method, body), ledger);
});

app.all("/v3/*", async (c) => {
  const { method, url, headers } = c.req.raw;
  const { origin } = new URL(url);
  const call = {
    method,
    origin,
    // As it came: what is signed must not be encoded or decoded again.
    target: url.slice(origin.length),
    headers: Object.fromEntries(
      READ_HEADERS.flatMap((name) => {
        const value = headers.get(name);
        return value === null ? [] : [[name, value]];
      }),
    ),
    body: new Uint8Array(await c.req.arrayBuffer()),
  };
  const ledger = books(c.env);
  return await respond(await ledger.receiveV3(call), ledger);
});

app.notFound(() => errorPage(404, "Not Found"));

export default app;
