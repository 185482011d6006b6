import type { RequestSigner } from "@consilium/client";
import { ed25519Sign, toHex } from "@consilium/crypto";
import { loadConfig, readPassphrase } from "../../config/index.js";
import { KeystoreFolder } from "../../keys/index.js";

/** A hospital's administrator: acts with the node's own key, which only the machine that holds its keystores has. */
export interface Member {
  readonly name: string;
  readonly signer: RequestSigner;
  /** Where the node's own machine reaches its API. */
  readonly apiUrl: string;
  readonly dataDir: string;
  /** Overwrites the secret key. */
  forget(): void;
}

/**
 * Opens the node key of the hospital that a config file describes. Its passphrase is found as the node finds it: the
 * config's passphraseFile, otherwise CONSILIUM_PASSPHRASE.
 * @throws ConsiliumError of `loadConfig` (`CONFIG_…`), `PASSPHRASE_MISSING`, `KEYSTORE_MISSING`, `KEYSTORE_AUTH`.
 */
export async function openMember(configFile: string): Promise<Member> {
  const config = loadConfig(configFile);
  const folder = new KeystoreFolder(config.keystoreDir, readPassphrase(config.passphraseFile));
  const { publicPart, secret } = await folder.read("node", "ed25519");
  return {
    name: config.name,
    signer: { keyId: toHex(publicPart), sign: (message) => ed25519Sign(secret, message) },
    forget: () => void secret.fill(0),
    apiUrl: apiUrlOf(config.api),
    dataDir: config.dataDir,
  };
}

function apiUrlOf(api: { readonly host: string; readonly port: number }): string {
  const isAny = api.host === "0.0.0.0" || api.host === "::";
  const host = isAny ? "127.0.0.1" : api.host;
  return `http://${host.includes(":") ? `[${host}]` : host}:${api.port}`;
}

/** Opens a member's key, does one act in its name, and forgets the key whatever happens. */
export async function useMember<Result>(
  configFile: string,
  act: (member: Member) => Promise<Result>,
): Promise<Result> {
  const member = await openMember(configFile);
  try {
    return await act(member);
  } finally {
    member.forget();
  }
}
