import { reset } from "cloudflare:test";

// The files share one worker, so that its modules are loaded once; each starts with empty storage.
await reset();
