import type { Manifest } from "./schema.js";

/** Names of all nodes of a manifest: the validators first. */
export function nodeNames(manifest: Pick<Manifest, "validators" | "fullNodes">): string[] {
  return [...validatorNames(manifest.validators), ...numbered("full", manifest.fullNodes)];
}

export const validatorNames = (count: number): string[] => numbered("validator", count);

const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
