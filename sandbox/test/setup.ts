import { reset } from "cloudflare:test";

// All files share one Worker, which loads its modules once. Each file starts with empty storage.
await reset();
