import type { KatOperation } from "./ops-committee.js";

export const dkgOperations: Readonly<Record<string, KatOperation>> = {};
