import { defineConfig } from "vitest/config";

/** Tests of what is shipped, in real hosts; they need the bundles, which are built once before them. */
const shipped = ["test/client/*-host.test.ts", "test/client/code-server.test.ts", "test/server/protocol*.test.ts"];

export default defineConfig({
  test: {
    // Against hangs only: a machine that is busy with other work takes its time.
    testTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "units",
          include: ["test/**/*.test.ts"],
          exclude: shipped,
          maxWorkers: "100%",
        },
      },
      {
        extends: true,
        // One at a time and after all others: each starts a browser or a server, and the machine may have two cores.
        test: {
          name: "shipped",
          include: shipped,
          globalSetup: "test/support/bundle.ts",
          fileParallelism: false,
        },
      },
    ],
  },
});
