import { z } from "zod";

const SECONDS_MAX = 6 * 3_600;

const seconds = z
  .number({ error: "must be a number of seconds" })
  .min(0, { error: "must not be negative" })
  .max(SECONDS_MAX, { error: `must be at most ${SECONDS_MAX} (six hours)` });
const count = (low: number, high: number) =>
  z
    .number({ error: `must be a whole number from ${low} to ${high}` })
    .int({ error: "must be a whole number" })
    .min(low, { error: `must be at least ${low}` })
    .max(high, { error: `must be at most ${high}` });
const nodeName = z
  .string()
  .regex(/^(validator|full)-[1-9][0-9]?$/, { error: "must be a node's name, such as validator-2 or full-1" });
const nodes = z.array(nodeName).min(1, { error: "must name at least one node" });
const milliseconds = count(0, 60_000);
const percent = z.number({ error: "must be a percentage" }).min(0).max(100, { error: "must be at most 100" });

/** What a link does to the bytes that pass in one direction. */
const linkQuality = {
  delayMs: milliseconds.default(0).describe("Delay of each direction of a link."),
  jitterMs: milliseconds.default(0).describe("Drawn anew for each piece, added to the delay; order is kept."),
  lossPercent: percent
    .default(0)
    .describe(
      "Share of pieces that TCP would have to send again: they arrive a retransmission timeout later.",
    ),
  kilobytesPerSecond: count(1, 1_000_000)
    .optional()
    .describe("Bandwidth of each direction; unbounded when absent."),
};

const at = seconds.describe("When it begins, counted from the moment all first nodes answer.");
const lasting = seconds
  .min(0.1, { error: "must be at least 0.1 seconds" })
  .describe("How long until it is undone.");

/** What can be done to a running network. Each begins `at` and is undone after `for` seconds. */
export const PerturbationSchema = z.discriminatedUnion(
  "act",
  [
    z
      .strictObject({ act: z.literal("kill"), at, for: lasting, nodes })
      .describe("SIGKILL, started again afterwards."),
    z
      .strictObject({ act: z.literal("restart"), at, for: lasting, nodes })
      .describe("SIGTERM, started again afterwards."),
    z.strictObject({ act: z.literal("pause"), at, for: lasting, nodes }).describe("SIGSTOP, then SIGCONT."),
    z
      .strictObject({
        act: z.literal("wipe"),
        at,
        for: lasting,
        nodes,
        reset: z
          .boolean({ error: "must be true or false" })
          .default(false)
          .describe(
            "Runs `consilium safety reset` for each when it answers again, so that its key votes later on.",
          ),
      })
      .describe("SIGKILL and the data folder removed; the keystores stay. Started again afterwards."),
    z
      .strictObject({
        act: z.literal("disconnect"),
        at,
        for: lasting,
        nodes,
        how: z
          .enum(["silent", "reset"], { error: "must be silent or reset" })
          .default("silent")
          .describe("silent: as a pulled cable, nothing arrives; reset: connections break and are refused."),
        direction: z
          .enum(["both", "in", "out"], { error: "must be both, in or out" })
          .default("both")
          .describe("Whether the nodes lose what they receive, what they send, or both."),
      })
      .describe("The nodes' links to all others."),
    z
      .strictObject({
        act: z.literal("partition"),
        at,
        for: lasting,
        groups: z.array(nodes).min(2, { error: "must have at least two groups" }),
      })
      .describe(
        "Links between nodes of different groups carry nothing; nodes not named keep all their links.",
      ),
    z
      .strictObject({ act: z.literal("slow"), at, for: lasting, nodes, ...linkQuality })
      .describe("All links from and to the nodes get worse."),
    z
      .strictObject({
        act: z.literal("skew"),
        at,
        for: lasting,
        nodes,
        milliseconds: count(-86_400_000, 86_400_000).describe("What is added to the nodes' clocks."),
      })
      .describe("The nodes' clocks jump, and back afterwards."),
    z
      .strictObject({
        act: z.literal("rolling"),
        at,
        for: lasting.describe(
          "Each node's turn: it is stopped at its beginning and started half way through.",
        ),
        nodes: nodes.optional().describe("All nodes when absent."),
      })
      .describe("Stops and starts one node after the other, as an upgrade would."),
  ],
  {
    error: "must have an act: kill, restart, pause, wipe, disconnect, partition, slow, skew or rolling",
  },
);
export type Perturbation = z.infer<typeof PerturbationSchema>;

/** One run, as YAML. Units stand in the keys; times are seconds. */
export const ManifestSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, { error: "must be up to 40 lower-case letters, digits and dashes" })
    .describe("Names the run in its report."),
  seed: count(0, Number.MAX_SAFE_INTEGER)
    .default(1)
    .describe("Seeds the links' jitter and loss and the load. Perturbations stand in the manifest."),
  chain: z
    .strictObject({
      preset: z
        .enum(["devnet", "production"], { error: "must be devnet or production" })
        .default("devnet")
        .describe("The chain's parameters, those below apart."),
      epochLengthHeights: count(2, 1_000_000).optional(),
      deltaMs: count(50, 60_000).optional(),
      blockIntervalMs: count(10, 60_000).optional(),
      heartbeatMs: count(100, 600_000).optional(),
      ceremonyWindowHeights: count(4, 100_000).optional(),
    })
    .default({ preset: "devnet" })
    .describe("The chain's parameters."),
  validators: count(4, 31).describe("Members with a seat: validator-1, validator-2 and so on."),
  fullNodes: count(0, 27).default(0).describe("Members without a seat: full-1, full-2 and so on."),
  late: z
    .record(nodeName, seconds)
    .default({})
    .describe("Members whose process starts only so many seconds after the others."),
  byzantine: z
    .record(
      nodeName,
      z.enum(["double-voter", "silent-proposer"], { error: "must be double-voter or silent-proposer" }),
    )
    .default({})
    .describe("Validators that misbehave, and how."),
  links: z
    .strictObject(linkQuality)
    .default({ delayMs: 0, jitterMs: 0, lossPercent: 0 })
    .describe("All links."),
  load: z
    .strictObject({
      transactionsPerSecond: z
        .number({ error: "must be a number" })
        .min(0)
        .max(200, { error: "must be at most 200" })
        .default(2),
      kinds: z
        .strictObject({
          register: count(0, 1_000).default(1).describe("A new recipient's account, attested by a member."),
          request: count(0, 1_000)
            .default(2)
            .describe("An access/request of an enrolled recipient to an owner."),
        })
        .default({ register: 1, request: 2 })
        .describe("How often each kind is sent, as weights."),
    })
    .default({ transactionsPerSecond: 2, kinds: { register: 1, request: 2 } })
    .describe("What is submitted through the nodes' public API."),
  durationSeconds: seconds.describe("How long load and perturbations last; all of them end within it."),
  resumeWithinSeconds: seconds
    .default(60)
    .describe("After the last perturbation ended, every node must have new final blocks within this time."),
  perturbations: z.array(PerturbationSchema).max(10_000).default([]),
});
export type Manifest = z.infer<typeof ManifestSchema>;
