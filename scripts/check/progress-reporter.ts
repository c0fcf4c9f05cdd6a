import { writeFileSync } from "node:fs";
import type { Reporter, TestModule, TestSpecification } from "vitest/node";

/** Where a vitest run of `npm test` writes its progress: `<files done> <files in all>`. */
export const PROGRESS_FILE = "CHECK_PROGRESS_FILE";

/** A vitest reporter that writes how many test files are done to the file named by `PROGRESS_FILE`. */
export default class ProgressReporter implements Reporter {
  readonly #file = process.env[PROGRESS_FILE];
  #total = 0;
  #done = 0;

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#total = specifications.length;
    this.#write();
  }

  onTestModuleEnd(_module: TestModule): void {
    this.#done += 1;
    this.#write();
  }

  #write(): void {
    if (this.#file !== undefined) writeFileSync(this.#file, `${this.#done} ${this.#total}`);
  }
}
