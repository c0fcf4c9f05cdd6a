/** The floor's configuration; `bench:load` posts it to /setup at the start. */
export interface FloorSettings {
  readonly mchId: string;
  readonly apiKey: string;
  readonly wechatAppId: string;
  /** The apps' ids are 1, 2, … */
  readonly apps: number;
  readonly notifyUrl: string;
}

/** In memory, as the gateway caches its own. */
let current: FloorSettings | undefined;

export function settings(): FloorSettings {
  if (current === undefined) throw new Error("the floor has not been set up");
  return current;
}

export function configure(newSettings: FloorSettings): void {
  current = newSettings;
}
