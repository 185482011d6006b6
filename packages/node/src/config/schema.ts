import { multiaddr } from "@multiformats/multiaddr";
import { z } from "zod";

const multiaddrText = z.string().refine((text) => isMultiaddr(text), {
  error: "is not a multiaddr; write for example /ip4/127.0.0.1/tcp/9000",
});
const peerText = multiaddrText.refine((text) => /\/p2p\/[^/]+$/.test(text), {
  error: "must end with the peer's id; write for example /ip4/10.0.0.2/tcp/9000/p2p/12D3Koo…",
});
const path = z.string().min(1, { error: "must be a path, not an empty string" });
const port = z
  .number({ error: "must be a port number from 1 to 65535" })
  .int({ error: "must be a whole number" })
  .min(1, { error: "must be a port number from 1 to 65535" })
  .max(65_535, { error: "must be a port number from 1 to 65535" });

/**
 * One YAML file per node. Relative paths are taken from the folder the file lies in. No key takes a secret: the
 * passphrase of the keystores comes from a file or from the environment variable CONSILIUM_PASSPHRASE.
 */
export const NodeConfigSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/, {
      error: "must be 1 to 64 letters, digits, spaces, dots, dashes or underscores",
    })
    .describe("Name of this member in logs and answers; it should equal the name in the genesis file."),
  dataDir: path.describe("Folder of chains, records and safety records. One node at a time may use it."),
  genesisFile: path.describe("The alliance's genesis file; every member holds the same one."),
  keystoreDir: path.describe("Folder of this node's encrypted keystores."),
  passphraseFile: path
    .optional()
    .describe("File that holds the keystores' passphrase. Without it CONSILIUM_PASSPHRASE must be set."),
  network: z
    .strictObject({
      listen: multiaddrText.describe("Address to listen on for other nodes, as a multiaddr."),
      announce: z
        .array(multiaddrText)
        .default([])
        .describe("Addresses to tell other nodes, where they differ from the listening one."),
      peers: z
        .array(peerText)
        .default([])
        .describe("Nodes to dial at start, each a multiaddr that ends with /p2p/ and the peer's id."),
    })
    .describe("How this node reaches the other members."),
  api: z
    .strictObject({
      listen: z
        .strictObject({
          host: z.string().min(1).default("127.0.0.1").describe("Host or address the HTTP API listens on."),
          port: port.describe("TCP port of the HTTP API."),
        })
        .describe("Where the HTTP API listens."),
      names: z
        .array(
          z.string().regex(/^[A-Za-z0-9.[\]:-]+:[0-9]{1,5}$/, {
            error: "must be a host name and a port; write for example node.hospital.example:9001",
          }),
        )
        .default([])
        .describe(
          "Further host:port under which clients reach the API; signed requests for other names are refused.",
        ),
    })
    .describe("The HTTP API for clients and operators."),
  sync: z
    .strictObject({
      mode: z
        .enum(["blocks", "state"], { error: "must be blocks or state" })
        .default("blocks")
        .describe(
          "How a node without the alliance's chain gets it: blocks executes every block; state takes the newest epoch's state, checked against its certificate.",
        ),
    })
    .default({ mode: "blocks" })
    .describe("How this node catches up when it is new."),
  log: z
    .strictObject({
      level: z
        .enum(["debug", "info", "warn", "error"], { error: "must be one of debug, info, warn, error" })
        .default("info")
        .describe("Least level that is logged: debug, info, warn or error."),
      file: path.optional().describe("File for JSON log lines; standard output when left out."),
    })
    .default({ level: "info" })
    .describe("Structured logs."),
  demo: z
    .strictObject({
      allowFaults: z
        .boolean({ error: "must be true or false" })
        .default(false)
        .describe(
          "Lets the member's administrator make this node misbehave. Never true outside a demonstration.",
        ),
    })
    .default({ allowFaults: false })
    .describe("Switches for demonstrations."),
});

/** The file as it is written, with paths as given. */
export type NodeConfigFile = z.infer<typeof NodeConfigSchema>;

function isMultiaddr(text: string): boolean {
  try {
    multiaddr(text);
    return true;
  } catch {
    return false;
  }
}
