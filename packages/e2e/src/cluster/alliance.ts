import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "@consilium/crypto";
import { type ChainParameters, chainIdOf, Genesis } from "@consilium/protocol";
import { parseDocument } from "yaml";
import { nodeNames } from "../manifest/nodes.js";
import type { Manifest } from "../manifest/schema.js";
import { LinkModel } from "../network/link-model.js";
import type { Endpoint } from "../network/relay.js";
import { type Placement, Relays } from "../network/relays.js";
import { consilium } from "./command.js";
import { freePorts } from "./free-ports.js";

/** One member's node as it stands on disk. */
export interface NodeFiles {
  readonly name: string;
  readonly dir: string;
  readonly configFile: string;
  readonly dataDir: string;
  readonly passphraseFile: string;
  readonly keystoreDir: string;
  readonly nodeId: string;
  readonly peerId: string;
  readonly apiUrl: string;
}

export interface FoundedAlliance {
  readonly chainId: string;
  readonly genesis: Genesis;
  readonly nodes: readonly NodeFiles[];
  readonly relays: Relays;
  readonly links: LinkModel;
}

/** The least cost that keystores may have: these keys guard nothing. */
const KEYSTORE_COST = 2 ** 15;
/** The election fills the seats by stake, so members that shall have none hold least. */
const FULL_NODE_STAKE = 1;

/**
 * Writes keystores, genesis and configs with `consilium init`, then gives the genesis the manifest's parameters and
 * seats, and each config an address where nobody reaches the others but through relays.
 */
export async function foundAlliance(
  manifest: Manifest,
  dir: string,
  placement: Placement,
): Promise<FoundedAlliance> {
  const names = nodeNames(manifest);
  const members = names.flatMap((name) => ["--alliance", name]);
  const cost = ["--keystore-cost", String(KEYSTORE_COST)];
  const init = ["init", "--dir", dir, ...members, "--preset", manifest.chain.preset, ...cost];
  const facts = (await consilium(init)) as {
    readonly genesisFile: string;
    readonly members: readonly NodeFiles[];
  };
  const genesis = adaptGenesis(facts.genesisFile, manifest);
  const ports = await freePorts(2 * names.length);
  const endpoints = facts.members.map((member, index) => ({
    member,
    p2p: { host: placement.hostOf(member.name), port: ports[2 * index]! },
    api: { host: placement.hostOf(member.name), port: ports[2 * index + 1]! },
  }));
  const links = new LinkModel(
    placement.shapesLinks ? NO_DELAY : { kilobytesPerSecond: undefined, ...manifest.links },
  );
  const listening = new Map(endpoints.map(({ member, p2p }) => [member.name, p2p]));
  const relays = await Relays.open(listening, placement, links, manifest.seed);
  const nodes = endpoints.map(({ member, p2p, api }): NodeFiles => {
    const peers = facts.members
      .filter(({ name }) => name !== member.name)
      .map((peer) => `${multiaddrOf(relays.endpoint(member.name, peer.name))}/p2p/${peer.peerId}`);
    adaptConfig(member.configFile, { p2p, api, peers });
    return { ...member, dir: join(dir, member.name), apiUrl: `http://${api.host}:${api.port}` };
  });
  return { chainId: toHex(chainIdOf(genesis)), genesis, nodes, relays, links };
}

const NO_DELAY = { delayMs: 0, jitterMs: 0, lossPercent: 0, kilobytesPerSecond: undefined };

const multiaddrOf = ({ host, port }: Endpoint): string => `/ip4/${host}/tcp/${port}`;

function adaptGenesis(file: string, manifest: Manifest): Genesis {
  const content = JSON.parse(readFileSync(file, "utf8"));
  const genesis = Genesis.fromJson(content.genesis);
  const { preset: _, ...overrides } = manifest.chain;
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  const parameters: ChainParameters = { ...genesis.parameters, ...Object.fromEntries(given) };
  const adapted: Genesis = {
    ...genesis,
    parameters,
    seats: manifest.validators,
    members: genesis.members.map((member, index) =>
      index < manifest.validators ? member : { ...member, stake: FULL_NODE_STAKE },
    ),
    keyCentre: genesis.keyCentre.filter((index) => index < manifest.validators),
  };
  const chainId = toHex(chainIdOf(adapted));
  writeFileSync(
    file,
    JSON.stringify({ ...content, chainId, genesis: Genesis.toJson(adapted) }, undefined, 2),
  );
  return adapted;
}

function adaptConfig(
  file: string,
  { p2p, api, peers }: { readonly p2p: Endpoint; readonly api: Endpoint; readonly peers: readonly string[] },
): void {
  const document = parseDocument(readFileSync(file, "utf8"));
  document.setIn(["network", "listen"], multiaddrOf(p2p));
  document.setIn(["network", "peers"], peers);
  document.setIn(["api", "listen", "host"], api.host);
  document.setIn(["api", "listen", "port"], api.port);
  writeFileSync(file, document.toString());
}
