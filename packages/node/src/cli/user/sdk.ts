import {
  type ClientPorts,
  ConsiliumClient,
  type OwnerClient,
  portablePorts,
  type TrustOptions,
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
import { trustOf } from "./trust.js";
import { WalletFile } from "./wallet-file.js";
import { walletPassphrase } from "./wallet-passphrase.js";

/** A person waits: a node that restarts is waited for, one that is down is soon reported. */
const RETRY_FOR_MS = 10_000;

/** The ports of the SDK on Node: its own cryptography and random source, the system's clock and fetch. */
export async function nodePorts(): Promise<ClientPorts> {
  return portablePorts(await createCryptoPool(), { random: secureRandom, payload: nativePayloadPlatform });
}

/** The SDK at these nodes, the preferred one first. With `trust` its sessions decide by proofs alone. */
export async function openClient(
  baseUrls: readonly string[],
  trust?: TrustOptions,
): Promise<ConsiliumClient> {
  const ports = await nodePorts();
  const verifying = trust === undefined ? {} : { trust };
  return new ConsiliumClient({ baseUrls, pool: ports.pool, ports, retryForMs: RETRY_FOR_MS, ...verifying });
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
 * @throws ConsiliumError `USAGE`, `PASSPHRASE_…`, `WALLET_…`, `GENESIS_…`, `LIGHT_…`, and what `act` throws.
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
    const trust = await trustOf(options, file.path);
    const passphraseFile = options.passphraseFile;
    const password = await walletPassphrase({
      isNew,
      ...(passphraseFile === undefined ? {} : { file: passphraseFile }),
    });
    const walletOptions = { storage: file, password, random: secureRandom, platform: nativeKeystorePlatform };
    const client = await openClient(baseUrls, trust);
    const result = await act({ client, walletOptions, isNew });
    await (await client.light())?.save();
    return result;
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
