/** `own`: the app's, the operator's or a timer's. `notification`: caused by a refund notification. */
export type WorkPriority = "own" | "notification";

/**
 * Runs one piece of work at a time. Own work goes before notifications, which a stranger can repeat;
 * work of one priority runs in the order of its arrival.
 */
export class WorkQueue {
  readonly #waiting: Readonly<Record<WorkPriority, (() => void)[]>> = { own: [], notification: [] };
  #busy = false;

  /**
   * Runs `work` when its turn comes, never before `run` has returned. The queue continues after a
   * failure, which the caller gets.
   */
  async run<T>(priority: WorkPriority, work: () => Promise<T>): Promise<T> {
    await this.#turn(priority);
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  async #turn(priority: WorkPriority): Promise<void> {
    if (!this.#busy) {
      this.#busy = true;
      return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting[priority].push(resolve);
    });
  }

  /** The queue stays busy when another piece of work waits: nothing may come in between. */
  #next(): void {
    const { own, notification } = this.#waiting;
    const start = own.shift() ?? notification.shift();
    if (start === undefined) this.#busy = false;
    else start();
  }
}
