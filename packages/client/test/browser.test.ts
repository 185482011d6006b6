import { builtinModules } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

const entry = fileURLToPath(new URL("../src/index.ts", import.meta.url));

describe("the client in a browser", () => {
  it("bundles without a Node module and without the native vote library", async () => {
    const result = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      metafile: true,
      platform: "browser",
      format: "esm",
      conditions: ["development"],
      logLevel: "silent",
    });
    const inputs = Object.values(result.metafile.inputs);
    const reached = inputs.flatMap(({ imports }) => imports.map(({ path }) => path));
    const isBuiltin = (path: string): boolean => path.startsWith("node:") || builtinModules.includes(path);

    expect(reached.filter(isBuiltin)).toEqual([]);
    expect(reached.filter((path) => path.includes("@chainsafe/blst"))).toEqual([]);
    expect(Object.keys(result.metafile.inputs).some((path) => path.includes("mcl-wasm"))).toBe(true);
    expect(result.outputFiles[0]!.contents.length).toBeGreaterThan(0);
  });
});
