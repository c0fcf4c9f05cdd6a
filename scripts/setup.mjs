// Runs after `npm ci`: gives a fresh clone its local secrets. Never overwrites.
// Plain JavaScript, because npm may run it with a Node that can't read TypeScript.
import { copyFileSync, constants } from "node:fs";

try {
  copyFileSync(".dev.vars.example", ".dev.vars", constants.COPYFILE_EXCL);
} catch (error) {
  if (error.code !== "EEXIST") throw error;
}
