import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

interface Process {
  readonly pid: number;
  readonly group: number;
  readonly cpuSeconds: number;
  readonly args: string;
}

/** The kernel's unit of CPU time in /proc, the same on all of Linux's architectures: 100 a second. */
const TICK_MS = 10;

/**
 * CPU time that the Worker on this port has used so far, in ms: its workerd processes, the proxy of
 * `wrangler dev` included, without wrangler itself.
 */
export function cpuOf(port: number): number {
  return runtimesOf(port).reduce((sum, { cpuSeconds }) => sum + cpuSeconds * 1000, 0);
}

/** Measures the Worker on one port alone, without the proxy of `wrangler dev`. Needs Linux. */
export class CpuClock {
  readonly #processes: readonly number[];

  constructor(port: number) {
    const workers = runtimesOf(port).filter(({ args }) => !args.includes(`:${port} `));
    if (workers.length === 0) throw new Error(`no Worker runs behind port ${port}`);
    this.#processes = workers.map(({ pid }) => pid);
  }

  /** CPU time so far in ms, in steps of 10 ms. */
  now(): number {
    return this.#processes.reduce((sum, pid) => sum + cpuOfProcess(pid), 0);
  }
}

/** User and system time of all threads (proc(5), fields 14 and 15 of `stat`). */
function cpuOfProcess(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field, the program's name, may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The workerd processes of the Worker on this port. */
function runtimesOf(port: number): readonly Process[] {
  const table = execFileSync("ps", ["-A", "-ww", "-o", "pid=,pgid=,cputimes=,args="], {
    encoding: "utf8",
  });
  const processes = table.split("\n").flatMap((line): readonly Process[] => {
    const [, pid, group, seconds, args] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (args === undefined) return [];
    return [{ pid: Number(pid), group: Number(group), cpuSeconds: Number(seconds), args }];
  });
  const leader = processes.find(({ args }) => args.includes(`--port=${port}`));
  return processes.filter(({ group, args }) => group === leader?.group && /\/workerd /.test(args));
}
