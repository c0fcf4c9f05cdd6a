import { livesOf } from "./support/lives.ts";

livesOf(1);
