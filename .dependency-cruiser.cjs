/** The import graph of ARCHITECTURE.md, enforced: an import only points down, and pure packages reach no clock, socket or disk. */
const allowed = {
  crypto: [],
  protocol: ["crypto"],
  consensus: ["protocol", "crypto"],
  ledger: ["consensus", "protocol", "crypto"],
  driver: ["ledger", "consensus", "protocol", "crypto"],
  sim: ["driver", "ledger", "consensus", "protocol", "crypto"],
  client: ["ledger", "consensus", "protocol", "crypto"],
  e2e: ["client", "driver", "ledger", "consensus", "protocol", "crypto"],
  node: ["client", "driver", "ledger", "consensus", "protocol", "crypto"],
};

const downward = Object.entries(allowed).map(([name, below]) => ({
  name: `${name}-imports-only-down`,
  severity: "error",
  comment: `packages/${name} may import: ${below.join(", ") || "no other package"}.`,
  from: { path: `^packages/${name}/src` },
  to: { path: "^packages/", pathNot: [name, ...below].map((each) => `^packages/${each}/`) },
}));

module.exports = {
  forbidden: [
    ...downward,
    {
      name: "pure-packages-reach-no-platform",
      severity: "error",
      comment: "crypto, protocol, consensus, ledger and driver are pure: no node: module, no I/O library.",
      from: { path: "^packages/(crypto|protocol|consensus|ledger|driver)/src" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "client-runs-in-browsers",
      severity: "error",
      comment: "The client needs no Node module.",
      from: { path: "^packages/client/src" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "curve-work-through-the-ports",
      severity: "error",
      comment:
        "Other packages reach curve work through CryptoPool and VoteSuite; @consilium/crypto/curve is for tests.",
      from: { path: "^packages/(?!crypto/)[^/]+/src" },
      to: { path: "^packages/crypto/src/(?!(index|vote-suite-blst)\\.ts$)" },
    },
    {
      name: "native-votes-not-in-browsers",
      severity: "error",
      comment:
        "Only what runs on Node alone may name the native vote library; others are handed a VoteSuite.",
      from: {
        path: "^packages/(?!(node|sim)/)[^/]+/src",
        pathNot: "^packages/crypto/src/vote-suite-blst\\.ts$",
      },
      to: { path: "(^packages/crypto/src/vote-suite-blst\\.ts$|@chainsafe/blst)" },
    },
    {
      name: "no-cycles",
      severity: "error",
      from: { path: "^packages" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|node_modules)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["development", "import", "node", "default"],
    },
  },
};
