// Runs after `npm ci`: copies the example secrets for local development, unless `.dev.vars` exists.
// Plain JavaScript, because npm may run it with a Node version that can't run TypeScript.
import { copyFileSync, constants } from "node:fs";

try {
  copyFileSync(".dev.vars.example", ".dev.vars", constants.COPYFILE_EXCL);
} catch (error) {
  if (error.code !== "EEXIST") throw error;
}
