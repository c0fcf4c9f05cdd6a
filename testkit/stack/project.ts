import path from "node:path";

/** The repository's folder. */
export const ROOT = path.resolve(import.meta.dirname, "../..");

/** The project's own wrangler, to be run with this very Node: no `PATH` and no shell involved. */
export const WRANGLER = path.join(ROOT, "node_modules/wrangler/bin/wrangler.js");

/**
 * What keeps wrangler from asking, colouring, reporting and fetching: it then works without a
 * network, writes nothing to the home folder and never waits for an answer.
 *
 * @param scratch an existing folder for whatever wrangler and its children put aside
 */
export function quietEnvironment(scratch: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    CI: "true",
    NO_COLOR: "1",
    FORCE_COLOR: "0",
    // Miniflare would fetch a sample of `request.cf` from Cloudflare at every start.
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: "false",
    // The banner is what checks for updates.
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_WRITE_LOGS: "false",
    // wrangler is 15 MB of JavaScript: compiled once, it starts in half the time.
    NODE_COMPILE_CACHE: path.join(ROOT, "node_modules/.cache/node-compile"),
    // Workers of one name that run twice on a machine must not find each other.
    WRANGLER_REGISTRY_PATH: path.join(scratch, "registry"),
    TMPDIR: scratch,
    X_LOCAL_EXPLORER: "false",
    X_LOCAL_OBSERVABILITY: "false",
  };
}
