import { scrypt } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RequestSigner } from "@consilium/client";
import {
  ed25519Sign,
  fromHex,
  type Keystore,
  type KeystorePlatform,
  keystoreDecrypt,
  nobleAead,
  toHex,
} from "@consilium/crypto";
import type { NodeFiles } from "./alliance.js";

/** A member's administrator: signs with the node's own key, whose keystore the run made. */
export interface MemberSigner extends RequestSigner {
  /** Overwrites the secret. */
  forget(): void;
}

const platform: KeystorePlatform = {
  aead: nobleAead,
  scrypt: (password, salt, { n, r, p, sizeBytes }) =>
    new Promise((resolve, reject) => {
      scrypt(password, salt, sizeBytes, { N: n, r, p, maxmem: 256 * n * r }, (error, key) =>
        error === null ? resolve(Uint8Array.from(key)) : reject(error),
      );
    }),
};

/** @throws ConsiliumError of `keystoreDecrypt`, or the file system's own error. */
export async function openMemberSigner(files: NodeFiles): Promise<MemberSigner> {
  const keystore = JSON.parse(readFileSync(join(files.keystoreDir, "node.json"), "utf8")) as Keystore;
  const passphrase = readFileSync(files.passphraseFile, "utf8").trim();
  const secret = await keystoreDecrypt(keystore, passphrase, platform);
  return {
    keyId: toHex(fromHex(keystore.pub)),
    sign: (message) => ed25519Sign(secret, message),
    forget: () => void secret.fill(0),
  };
}
