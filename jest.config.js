// The end of a test's name says what it needs: nothing, PostgreSQL, nats-server or the whole system.
const folders = ["packages", "services", "simulators", "tests", "bench", "scripts"];

const project = (displayName, ending, servers = {}) => ({
  displayName,
  roots: folders.map((folder) => `<rootDir>/${folder}`),
  testRegex: [ending],
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  cacheDirectory: "<rootDir>/.cache/jest",
  transform: { "\\.ts$": "<rootDir>/scripts/jest/strip-types.cjs" },
  setupFilesAfterEnv: ["<rootDir>/scripts/jest/keep-coverage.cjs"],
  ...servers,
});

const servers = {
  globalSetup: "<rootDir>/packages/embedded/src/test-setup.ts",
  globalTeardown: "<rootDir>/packages/embedded/src/test-teardown.ts",
};

export default {
  projects: [
    project("tidy", "/tidy\\.test\\.ts$"),
    project("unit", "(?<!\\.(db|nats|e2e)|/tidy)\\.test\\.ts$"),
    project("db", "\\.db\\.test\\.ts$", servers),
    project("nats", "\\.nats\\.test\\.ts$", servers),
    project("e2e", "\\.e2e\\.test\\.ts$"),
  ],
  testTimeout: 30_000,
  // A generated text is right when its drift check says so; a main file is wiring that the e2e tests run, and the page
  // runs in a browser, where the e2e tests see it.
  collectCoverageFrom: [
    "{packages,services,simulators}/*/src/**/*.ts",
    "!**/*.test.ts",
    "!**/src/gen/**",
    "!**/src/main.ts",
    "!services/gateway/src/page/**",
  ],
  coverageProvider: "v8",
};
