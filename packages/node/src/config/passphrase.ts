import { readFileSync } from "node:fs";
import { ConsiliumError } from "@consilium/crypto";

export const PASSPHRASE_VARIABLE = "CONSILIUM_PASSPHRASE";

/**
 * The passphrase of the node's keystores: from the file if one is named, otherwise from CONSILIUM_PASSPHRASE. One line
 * end after it is not part of it.
 * @throws ConsiliumError `PASSPHRASE_MISSING` with what to do; never with the passphrase.
 */
export function readPassphrase(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const passphrase = file === undefined ? environment[PASSPHRASE_VARIABLE] : readFile(file);
  if (passphrase !== undefined && passphrase !== "") return passphrase;
  throw new ConsiliumError(
    "PASSPHRASE_MISSING",
    file === undefined
      ? `Name a file (--passphrase-file, or passphraseFile in the config), or set ${PASSPHRASE_VARIABLE}.`
      : `The passphrase file ${file} is empty; write the keystores' passphrase into it.`,
  );
}

function readFile(file: string): string {
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (cause) {
    throw new ConsiliumError(
      "PASSPHRASE_MISSING",
      `The passphrase file ${file} cannot be read; create it (readable by this user only) or correct passphraseFile.`,
      { file },
      { cause },
    );
  }
}
