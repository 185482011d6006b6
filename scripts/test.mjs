// Runs all tests and closes with the line `N passed, N failed, N skipped`: node scripts/test.mjs [VITEST ARG ...]
// The counts are also written to the file that CONSILIUM_TEST_COUNTS names.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "consilium-test-"));
const report = join(folder, "report.json");
const vitest = join("node_modules", "vitest", "vitest.mjs");
const result = spawnSync(
  process.execPath,
  [
    vitest,
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { stdio: "inherit" },
);
let status = result.status ?? 1;
try {
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, "utf8"));
  const line = `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`;
  console.log(line);
  if (process.env.CONSILIUM_TEST_COUNTS) writeFileSync(process.env.CONSILIUM_TEST_COUNTS, `${line}\n`);
  if (numPassedTests === 0) status ||= 1;
} catch (error) {
  console.error(`the test runner left no report: ${error.message}`);
  status ||= 1;
}
rmSync(folder, { recursive: true, force: true });
process.exit(status);
