import { defineConfig } from "vitest/config";

/** One configuration for all packages: TypeScript sources run directly through the `development` condition. */
export default defineConfig({
  resolve: { conditions: ["development", "node", "import", "default"] },
  ssr: { resolve: { conditions: ["development", "node", "import", "default"] } },
  test: {
    include: ["packages/*/test/**/*.test.ts"],
    setupFiles: ["./scripts/polyfill.mjs"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
