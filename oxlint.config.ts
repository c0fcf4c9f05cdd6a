import { defineConfig, type OxlintConfig } from "oxlint";

/**
 * The rooms of src/, from the top down. An import points down this list only; within a room files
 * may import each other, as long as they form no circle (import/no-cycle).
 */
export const ROOMS = [
  "api",
  "notifications",
  "admin",
  "middleware",
  "reconciliation",
  "sweep",
  "orders",
  "settings",
  "db",
  "wechat",
  "contract",
  "domain",
  "observability",
  "lib",
] as const;

type Room = (typeof ROOMS)[number];
type Rules = NonNullable<OxlintConfig["rules"]>;

/** The doors: files at the root of src/ that import the rooms and that no room imports. */
const DOORS = "(index|app|scheduled|health)\\.ts$";

/** What a room may not import: the rooms above it, the doors, and what else its job rules out. */
function importsOf(room: Room): Rules {
  const above = ROOMS.slice(0, ROOMS.indexOf(room));
  const patterns = [
    restriction(`^(\\.\\./)+${DOORS}`, `src/${room}/ imports no door: it is imported by one.`),
    ...(above.length === 0
      ? []
      : [
          restriction(
            `^(\\.\\./)+(${above.join("|")})/`,
            `src/${room}/ imports only rooms below it (oxlint.config.ts, ROOMS).`,
          ),
        ]),
    ...(room === "wechat" ? [] : [PROTOCOLS]),
    ...(room === "settings" ? [] : [DATABASE_HANDLE]),
    ...(PURE.has(room) ? [FRAMEWORKS] : []),
    ...(NEEDS_NO_ENVIRONMENT.has(room) ? [ENVIRONMENT] : []),
  ];
  return {
    "no-restricted-imports": [
      "error",
      { paths: PURE.has(room) || room === "lib" ? ["cloudflare:workers"] : [], patterns },
    ],
  };
}

function restriction(regex: string, message: string) {
  return { regex, message };
}

const PROTOCOLS = restriction(
  "wechat/(v2|v3)/",
  "Only src/wechat/ knows WeChat's protocols: use src/wechat/*.ts.",
);
const FRAMEWORKS = restriction("^(hono|drizzle-orm)(/|$)", "Pure: no framework, no database.");
const ENVIRONMENT = restriction(
  "^(\\.\\./)+(config|env)\\.ts$",
  "Takes what it needs as arguments: the environment is parsed at the doors.",
);
const DATABASE_HANDLE = {
  ...restriction(
    "(^|/)database\\.ts$",
    "A database handle is opened in settings/work-context.ts only, by middleware, objects and jobs.",
  ),
  importNames: ["connect", "connectReplica"],
};

/** Rooms without network, clock, chance, Hono or Drizzle. */
const PURE: ReadonlySet<Room> = new Set(["contract", "domain"]);
const NEEDS_NO_ENVIRONMENT: ReadonlySet<Room> = new Set([
  "db",
  "wechat",
  "contract",
  "domain",
  "observability",
  "lib",
]);

const takeTime = (room: string) => `${room} has no clock: take the time as an argument.`;
const takeChance = (room: string) => `${room} has no chance: take it as an argument.`;

const PURITY: Rules = {
  "no-restricted-globals": [
    "error",
    "fetch",
    "setTimeout",
    "setInterval",
    "caches",
    "process",
    "performance",
  ],
  "no-restricted-properties": [
    "error",
    { object: "Date", property: "now", message: takeTime("A pure room") },
    { object: "Math", property: "random", message: takeChance("A pure room") },
    { object: "crypto", property: "randomUUID", message: takeChance("A pure room") },
    { object: "crypto", property: "getRandomValues", message: takeChance("A pure room") },
  ],
};

/**
 * Names that the code had before it took the field's terms (docs/architecture.md, "Glossary"). One
 * meaning a word: they don't come back.
 */
const RETIRED_NAMES = [
  "admit",
  "adopt",
  "askPayment",
  "askRefund",
  "beginTrace",
  "bookPayment",
  "Books",
  "books",
  "Ceiling",
  "claim",
  "Concern",
  "Cost",
  "doings",
  "followHint",
  "followUpPayment",
  "followUpRefund",
  "given",
  "heard",
  "hintRefund",
  "inTurn",
  "inTurns",
  "isNews",
  "isSettled",
  "judge",
  "judgeClose",
  "judgePayment",
  "judgePrepay",
  "judgeRefund",
  "lives",
  "look",
  "makeNonce",
  "manners",
  "Mark",
  "marks",
  "newNumber",
  "news",
  "News",
  "newsOf",
  "notice",
  "notices",
  "play",
  "raise",
  "Reach",
  "rearm",
  "Rearmed",
  "RefundHint",
  "RefundNews",
  "RefundWish",
  "Ruling",
  "ruling",
  "SettingsCache",
  "settleConcern",
  "Settlement",
  "settlePayment",
  "settlePrepay",
  "Signs",
  "stranger",
  "Stretch",
  "strike",
  "Surroundings",
  "surroundings",
  "surroundingsOf",
  "tell",
  "told",
  "Trace",
  "treatment",
  "Turn",
  "V3Line",
  "Verdict",
  "verdict",
  "Walk",
  "walks",
  "watchApp",
  "watchCall",
  "watchRefund",
  "watchWechat",
  "wires",
  "Wires",
  "wish",
  "Wish",
  "World",
];

export default defineConfig({
  plugins: ["typescript", "unicorn", "oxc", "import", "promise"],
  categories: { correctness: "error", suspicious: "error", perf: "error" },
  ignorePatterns: [
    "worker-configuration.d.ts",
    "sandbox/worker-configuration.d.ts",
    "migrations/**",
  ],
  rules: {
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/return-await": ["error", "always"],
    "typescript/switch-exhaustiveness-check": [
      "error",
      { allowDefaultCaseForExhaustiveSwitch: false, considerDefaultExhaustiveForUnions: false },
    ],
    "typescript/only-throw-error": "error",
    "typescript/consistent-type-imports": "error",
    "eslint/no-console": "error",
    "eslint/no-empty": ["error", { allowEmptyCatch: false }],
    "eslint/eqeqeq": "error",
    "eslint/id-denylist": ["error", ...RETIRED_NAMES],
    "import/no-cycle": "error",
    "import/no-unassigned-import": "off",
    "typescript/consistent-return": "off",
    "eslint/no-await-in-loop": "off",
    "eslint/no-underscore-dangle": "off",
  },
  overrides: [
    ...ROOMS.map((room) => ({ files: [`src/${room}/**`], rules: importsOf(room) })),
    ...[...PURE].map((room) => ({ files: [`src/${room}/**`], rules: PURITY })),
    {
      files: ["scripts/**", "bench/**", "src/observability/log.ts"],
      rules: { "no-console": "off" },
    },
  ],
});
