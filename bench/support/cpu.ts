import { execFileSync } from "node:child_process";

interface Process {
  readonly group: number;
  readonly cpuSeconds: number;
  readonly args: string;
}

/**
 * CPU time that the Worker on this port has used so far, in ms: its workerd processes, the proxy of
 * `wrangler dev` included, without wrangler itself.
 */
export function cpuOf(port: number): number {
  const table = execFileSync("ps", ["-A", "-o", "pgid=,cputimes=,args="], { encoding: "utf8" });
  const processes = table.split("\n").flatMap((line): readonly Process[] => {
    const [, group, seconds, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (args === undefined) return [];
    return [{ group: Number(group), cpuSeconds: Number(seconds), args }];
  });
  const leader = processes.find(({ args }) => args.includes(`--port=${port}`));
  return processes
    .filter(({ group, args }) => group === leader?.group && /\/workerd /.test(args))
    .reduce((sum, { cpuSeconds }) => sum + cpuSeconds * 1000, 0);
}
