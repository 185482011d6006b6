import { codeOf } from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import { HttpApi, routes } from "../../src/index.js";
import { QuickClock } from "../helpers/platform.js";
import { seededRandom } from "../helpers/random.js";

type Answer = { readonly status: number; readonly body: string } | "broken";

function apiOf(answers: readonly Answer[], change: Partial<ConstructorParameters<typeof HttpApi>[0]> = {}) {
  const asked: URL[] = [];
  const left = [...answers];
  const fetchPort: typeof fetch = async (input) => {
    asked.push(new URL(String(input)));
    const answer = left.shift() ?? "broken";
    if (answer === "broken") throw new TypeError("connection refused");
    return new Response(answer.body, { status: answer.status });
  };
  const ports = { fetch: fetchPort, clock: new QuickClock(), random: seededRandom("api") };
  return { asked, api: new HttpApi({ baseUrls: ["http://a.test/"], ports, ...change }) };
}
const ok: Answer = { status: 200, body: '{"number":1}' };
const refused = (status: number, code: string): Answer => ({
  status,
  body: JSON.stringify({ error: { code, message: "No.", details: { height: 3 } } }),
});

describe("a call of the HTTP API", () => {
  it("goes to the next node while one restarts", async () => {
    const { api, asked } = apiOf(["broken", refused(503, "NOT_READY"), ok], {
      baseUrls: ["http://a.test", "http://b.test"],
    });
    await api.call(routes.status, {});
    expect(asked.map(({ host }) => host)).toEqual(["a.test", "b.test", "a.test"]);
  });

  it("gives up after its time, with what went wrong last", async () => {
    const { api, asked } = apiOf([]);
    await expect(api.call(routes.status, {})).rejects.toMatchObject({ code: "API_UNREACHABLE" });
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.length).toBeLessThan(30);
  });

  it("makes one attempt when no time is left for more", async () => {
    const { api, asked } = apiOf([]);
    expect(await api.call(routes.status, {}, undefined, { retryForMs: 0 }).catch(codeOf)).toBe(
      "API_UNREACHABLE",
    );
    expect(asked).toHaveLength(1);
  });

  it("does not repeat a refusal, and keeps its code, sentence and details", async () => {
    const { api, asked } = apiOf([refused(422, "GRANT_INACTIVE"), ok]);
    const attempt = api.call(routes.account, { account: "aa" });
    await expect(attempt).rejects.toMatchObject({
      code: "GRANT_INACTIVE",
      message: "No.",
      details: { height: 3, status: 422 },
    });
    expect(asked).toHaveLength(1);
  });

  it("says when something else than a node answers", async () => {
    for (const answer of [
      { status: 404, body: "<html>" },
      { status: 200, body: "<html>" },
      { status: 400, body: '{"error":"no"}' },
    ]) {
      expect(await apiOf([answer]).api.call(routes.status, {}).catch(codeOf)).toBe("API_BAD_ANSWER");
    }
  });

  it("puts parameters into path and query, escaped", async () => {
    const { api, asked } = apiOf([ok, ok]);
    await api.call(routes.transaction, { id: "a/b?c", waitMs: 5 });
    expect(asked[0]!.href).toBe("http://a.test/v1/transactions/a%2Fb%3Fc?waitMs=5");
    await api.call(routes.transaction, { id: "x" });
    expect(asked[1]!.href).toBe("http://a.test/v1/transactions/x");
  });

  it("refuses to call in nobody's name", async () => {
    expect(await apiOf([ok]).api.call(routes.audit, {}).catch(codeOf)).toBe("API_NO_SIGNER");
  });

  it("stops trying when nobody needs the answer any more", async () => {
    const stop = new AbortController();
    stop.abort();
    const { api, asked } = apiOf([]);
    expect(await api.call(routes.status, {}, undefined, { signal: stop.signal }).catch(codeOf)).toBe(
      "API_UNREACHABLE",
    );
    expect(asked).toHaveLength(1);
  });
});
