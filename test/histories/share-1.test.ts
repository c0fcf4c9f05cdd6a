import { testShare } from "./support/suite.ts";

testShare(0);
