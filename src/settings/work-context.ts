import type { Config } from "../config.ts";
import { connect, connectReplica, type Database } from "../db/database.ts";
import type { RequestMeter } from "../observability/request-meter.ts";
import { masterKeyOf, openSettings, type Settings } from "./settings.ts";

/**
 * The context of one piece of work: a request, an alarm, an operation of an object, a job. The
 * database handle is opened here only, so that the work's meter counts every trip.
 */
export interface WorkContext {
  readonly env: Env;
  readonly config: Config;
  readonly meter: RequestMeter;
  readonly db: Database;
  /** Opens the database for lists and exports, which a read replica may answer. */
  readonly openReplica: () => Database;
  readonly settings: Settings;
}

/** Opens the database and the settings for one piece of work. Makes no trip. */
export function openWork(env: Env, config: Config, meter: RequestMeter): WorkContext {
  const db = connect(env.DB, meter.usage);
  return {
    env,
    config,
    meter,
    db,
    openReplica: () => connectReplica(env.DB, meter.usage),
    settings: openSettings({
      db,
      masterKey: async () => await masterKeyOf(config),
      environment: config.environment,
    }),
  };
}
