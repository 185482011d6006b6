import { describe, expect, it } from "vitest";
import { loadCurve } from "../src/curve/load-curve.js";
import { ConsiliumError } from "../src/errors.js";
import { createCryptoPool } from "../src/pool.js";
import { loadCurveVoteSuite } from "../src/vote-suite-curve.js";
import { scalar } from "./support/world.js";

describe("the pool", () => {
  it("works on mcl unless told otherwise", async () => {
    expect((await loadCurve()).name).toBe("mcl");
    expect((await loadCurve({ backend: "noble" })).name).toBe("noble");
  });

  it("works on noble where mcl does not load, and gives the same answers and votes", async () => {
    const options = { loadMcl: () => Promise.reject(new Error("WebAssembly is not available.")) };
    expect((await loadCurve(options)).name).toBe("noble");
    expect((await loadCurveVoteSuite(options)).name).toBe("curve noble");

    const secretKey = scalar("vote");
    const [fallback, usual] = await Promise.all([createCryptoPool(options), createCryptoPool()]);
    const publicKey = await fallback.run("votePublicKey", { secretKey });
    const proof = await fallback.run("votePossessionProof", { secretKey });
    expect(publicKey).toEqual(await usual.run("votePublicKey", { secretKey }));
    expect(await usual.run("voteCheckPossession", { publicKey, proof })).toBe(true);
    expect((await loadCurveVoteSuite(options)).publicKey(secretKey)).toEqual(publicKey);
  });

  it("does not hide that mcl does not load from who asked for mcl", async () => {
    const broken = new Error("WebAssembly is not available.");
    const loadMcl = () => Promise.reject(broken);
    await expect(createCryptoPool({ backend: "mcl", loadMcl })).rejects.toBe(broken);
  });

  it("gives the same answer on both backends", async () => {
    const answers = await Promise.all(
      (["mcl", "noble"] as const).map(async (backend) =>
        (await createCryptoPool({ backend })).run("transportPublicKey", { transportSecret: scalar("t") }),
      ),
    );
    expect(answers[0]).toEqual(answers[1]);
  });

  it("rejects with the code of the operation, and never throws in the caller's face", async () => {
    const pool = await createCryptoPool();
    const running = pool.run("transportPublicKey", { transportSecret: new Uint8Array(31) });
    await expect(running).rejects.toBeInstanceOf(ConsiliumError);
    await expect(running).rejects.toMatchObject({ code: "BAD_LENGTH" });
  });

  it("takes and gives only what can cross to a worker thread", async () => {
    const pool = await createCryptoPool();
    const context = {
      chain: scalar("chain"),
      kgcKeyNo: 1,
      ownerKeyNo: 1,
      pid: scalar("pid"),
      signKey: scalar("key"),
      groupKey: (await loadCurve()).g2.toBytes((await loadCurve()).g2.multiplyGenerator(3n)),
    };
    const input = { context, factor: scalar("x"), proof: { random: scalar("k") } };
    const message = await pool.run("registerOwner", structuredClone(input));
    const checked = await pool.run("checkOwnerRegistration", structuredClone({ context, message }));
    expect(structuredClone(checked)).toEqual(checked);
  });
});
