import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ConsiliumError } from "@consilium/crypto";
import type { Edit, Mutant } from "./catalogue.js";

/** The root of the checkout: edits name files from there. */
export const rootUrl = new URL("../../../../", import.meta.url);

/** An edit as the module hook takes it. */
export interface PlantedEdit {
  readonly url: string;
  readonly find: string;
  readonly replace: string;
}

export interface Planted {
  readonly edits: readonly PlantedEdit[];
  /** `file:line` of each edit, first to last line of the changed text. */
  readonly places: readonly string[];
}

/** Finds where the edits of a mutant go. Throws `MUTANT_STALE` when the code has moved on and a text no longer stands exactly once. */
export function locate(mutant: Mutant): Planted {
  return {
    edits: mutant.edits.map(({ file, find, replace }) => ({
      url: new URL(file, rootUrl).href,
      find,
      replace,
    })),
    places: mutant.edits.map((edit) => placeOf(mutant, edit)),
  };
}

function placeOf(mutant: Mutant, { file, find }: Edit): string {
  const source = readFileSync(fileURLToPath(new URL(file, rootUrl)), "utf8");
  const [before, after, ...more] = source.split(find);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new ConsiliumError(
      "MUTANT_STALE",
      `The text that mutant ${mutant.name} changes does not stand exactly once in ${file}: adapt the mutant to the code.`,
      { mutant: mutant.name, file },
    );
  }
  const first = before.split("\n").length;
  const last = first + find.trimEnd().split("\n").length - 1;
  return last === first ? `${file}:${first}` : `${file}:${first}-${last}`;
}
