import {
  type ClientPorts,
  ConsiliumClient,
  type OwnerClient,
  portablePorts,
  Wallet,
  type WalletOptions,
} from "@consilium/client";
import { createCryptoPool } from "@consilium/crypto";
import { nativeKeystorePlatform, nativePayloadPlatform, secureRandom } from "../../keys/index.js";
import {
  requireApi,
  requireWalletFile,
  type WalletOptions as WalletCommandOptions,
} from "./common-options.js";
import { WalletFile } from "./wallet-file.js";
import { walletPassphrase } from "./wallet-passphrase.js";

/** A person waits: a node that restarts is waited for, one that is down is soon reported. */
const RETRY_FOR_MS = 10_000;

/** The ports of the SDK on Node: its own cryptography and random source, the system's clock and fetch. */
export async function nodePorts(): Promise<ClientPorts> {
  return portablePorts(await createCryptoPool(), { random: secureRandom, payload: nativePayloadPlatform });
}

/** The SDK at these nodes, the preferred one first. */
export async function openClient(baseUrls: readonly string[]): Promise<ConsiliumClient> {
  const ports = await nodePorts();
  return new ConsiliumClient({ baseUrls, pool: ports.pool, ports, retryForMs: RETRY_FOR_MS });
}

/** What a user's command works with. */
export interface WalletTools {
  readonly client: ConsiliumClient;
  readonly walletOptions: WalletOptions;
  /** True when no wallet stands there yet. */
  readonly isNew: boolean;
}

/**
 * Takes the wallet that the options name, does one act with it, and gives it back whatever happens. Options are
 * checked before anybody is asked for a passphrase.
 * @throws ConsiliumError `USAGE`, `PASSPHRASE_…`, `WALLET_…`, and what `act` throws.
 */
export async function useWalletFile<Result>(
  options: WalletCommandOptions,
  isNewAllowed: boolean,
  act: (tools: WalletTools) => Promise<Result>,
): Promise<Result> {
  const baseUrls = requireApi(options);
  const file = WalletFile.acquire(requireWalletFile(options), isNewAllowed);
  try {
    const isNew = !file.exists;
    const passphraseFile = options.passphraseFile;
    const password = await walletPassphrase({
      isNew,
      ...(passphraseFile === undefined ? {} : { file: passphraseFile }),
    });
    const walletOptions = { storage: file, password, random: secureRandom, platform: nativeKeystorePlatform };
    return await act({ client: await openClient(baseUrls), walletOptions, isNew });
  } finally {
    file.release();
  }
}

/** The same with the wallet opened. @throws also `KEYSTORE_AUTH` for a wrong passphrase. */
export function useWallet<Result>(
  options: WalletCommandOptions,
  act: (client: ConsiliumClient, wallet: Wallet) => Promise<Result>,
): Promise<Result> {
  return useWalletFile(options, false, async ({ client, walletOptions }) =>
    act(client, await Wallet.open(walletOptions)),
  );
}

/** The same for what only an owner does. @throws also `WALLET_ROLE`. */
export const useOwner = <Result>(
  options: WalletCommandOptions,
  act: (owner: OwnerClient) => Promise<Result>,
): Promise<Result> => useWallet(options, async (client, wallet) => act(await client.owner(wallet)));
