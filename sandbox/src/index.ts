import { Hono } from "hono";
import { answerWire, errorPage } from "./answer-wire.ts";
import { HANDLERS } from "./api/dispatch.ts";
import { books } from "./books-stub.ts";
import { control } from "./control/routes.ts";
import { API_CALLS } from "./ledger/faults.ts";
import { liveParts, page } from "./page/page.ts";

export { Ledger } from "./ledger.ts";

const app = new Hono<{ Bindings: Env }>();

app.get("/health", (c) => c.json({ ok: true }));
app.route("/sandbox/api", control);
app.get("/", async (c) => await page(await books(c.env).state()));
app.get("/parts", async (c) => await liveParts(await books(c.env).state()));

for (const call of API_CALLS) {
  // Every method: WeChat Pay answers a GET in XML too.
  app.all(HANDLERS[call].path, async (c) => {
    const body = new Uint8Array(await c.req.arrayBuffer());
    return await answerWire(await books(c.env).receive({ call, method: c.req.method, body }));
  });
}

app.notFound(() => errorPage(404, "Not Found"));

export default app;
