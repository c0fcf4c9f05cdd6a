import path from "node:path";

/** The repository's folder. */
export const ROOT = path.resolve(import.meta.dirname, "../..");

/** The project's own wrangler, run with this process's Node, without `PATH` or a shell. */
export const WRANGLER = path.join(ROOT, "node_modules/wrangler/bin/wrangler.js");

/**
 * An environment in which wrangler neither prompts nor colours, reports or fetches: it works without a
 * network, writes nothing to the home folder and never waits for input.
 *
 * @param scratch an existing folder for temporary files of wrangler and its children
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
    // The banner checks for updates.
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_WRITE_LOGS: "false",
    // wrangler is 15 MB of JavaScript: compiled once, it starts in half the time.
    NODE_COMPILE_CACHE: path.join(ROOT, "node_modules/.cache/node-compile"),
    // Two stacks on one machine have Workers of the same names, which must not find each other.
    WRANGLER_REGISTRY_PATH: path.join(scratch, "registry"),
    TMPDIR: scratch,
    X_LOCAL_EXPLORER: "false",
    X_LOCAL_OBSERVABILITY: "false",
  };
}
