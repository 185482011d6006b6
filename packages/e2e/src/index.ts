export { loadManifest, parseManifest } from "./manifest/load.js";
export { manifestText, type RandomManifestOptions, randomManifest } from "./manifest/random.js";
export { type Manifest, ManifestSchema, type Perturbation } from "./manifest/schema.js";
export { describeStep, planOf, type Step } from "./plan/plan.js";
export { type Report, reportLines } from "./report.js";
export { type RunOptions, runManifest } from "./run.js";
