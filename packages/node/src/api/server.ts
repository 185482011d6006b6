import { randomUUID } from "node:crypto";
import { routes } from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";
import { limits } from "@consilium/protocol";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { adminHandlers } from "./admin-handlers.js";
import { Authentication, requireSignedBody, type Signer } from "./authentication.js";
import { Catalogues } from "./catalogues.js";
import { electionHandlers } from "./election-handlers.js";
import { failureOf } from "./failure.js";
import { lightHandlers } from "./light-handlers.js";
import { memberHandlers } from "./member-handlers.js";
import { createMetrics } from "./metrics.js";
import type { ApiPorts } from "./ports.js";
import { publicHandlers } from "./public-handlers.js";
import { type Handlers, malformed, type RouteName } from "./router.js";
import { Submissions } from "./submissions.js";
import { userHandlers } from "./user-handlers.js";

export interface ApiOptions {
  readonly host: string;
  readonly port: number;
  /** Further `host:port` under which clients reach this server, such as a container's name. */
  readonly names: readonly string[];
}

/** Largest ciphertext of one upload; the chunks of a record bound it too. */
const UPLOAD_BYTES_MAX = 2 ** 30;
const REQUEST_TIMEOUT_MS = 120_000;
const HEADERS_BYTES_MAX = 16_384;

interface Context {
  signer: Signer | undefined;
}

/** The HTTP API: the contract of @consilium/client on Fastify, `GET /metrics`, and nothing else. */
export class ApiServer {
  readonly #app: FastifyInstance;
  readonly #submissions = new Submissions();
  readonly #authentication: Authentication;
  readonly #contexts = new WeakMap<FastifyRequest, Context>();
  readonly #unsubscribe: () => void;

  constructor(
    private readonly options: ApiOptions,
    private readonly ports: ApiPorts,
  ) {
    const { alliance, keys, clock } = ports;
    const authorities = authoritiesOf(options);
    this.#authentication = new Authentication({ alliance, nodeKey: keys.node.publicKey, clock, authorities });
    this.#app = fastify({
      logger: false,
      bodyLimit: limits.apiBodyBytes,
      requestTimeout: REQUEST_TIMEOUT_MS,
      http: { maxHeaderSize: HEADERS_BYTES_MAX },
      genReqId: () => randomUUID(),
      // Streams that clients keep open must not hold up a node that stops.
      forceCloseConnections: true,
    });
    this.#installParsers();
    this.#installErrors();
    this.#installRoutes();
    this.#unsubscribe = alliance.onFinalized(({ results, tip }) =>
      this.#submissions.settle(
        results.map(({ id }) => id),
        tip.height,
      ),
    );
  }

  get url(): string {
    const { host, port } = this.options;
    return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  /** @throws ConsiliumError `PORT_IN_USE`, `API_FAILED`. */
  async start(): Promise<void> {
    try {
      await this.#app.listen({ host: this.options.host, port: this.options.port });
    } catch (cause) {
      throw startFailure(cause, this.options);
    }
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#app.close();
  }

  /** JSON stays bytes until its digest was compared; octets are handed on as they stream in. */
  #installParsers(): void {
    this.#app.removeAllContentTypeParsers();
    this.#app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) =>
      done(null, body),
    );
    this.#app.addContentTypeParser("application/octet-stream", (_request, payload, done) =>
      done(null, payload),
    );
  }

  #installErrors(): void {
    this.#app.setErrorHandler((error, request, reply) => this.#refuse(error, request, reply));
    this.#app.setNotFoundHandler((request, reply) => this.#refuse(unknownRoute(request), request, reply));
    this.#app.addHook("onResponse", (request, reply, done) => {
      const { method, url: path } = request;
      const facts = { request: request.id, method, path: path.split("?")[0], status: reply.statusCode };
      this.ports.log.debug(
        { ...facts, signer: this.#contexts.get(request)?.signer?.keyId, ms: Math.round(reply.elapsedTime) },
        "api.answered",
      );
      done();
    });
  }

  #refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const failure = failureOf(error);
    const facts = { request: request.id, method: request.method, path: request.url.split("?")[0] };
    if (failure.isInternal) this.ports.log.error({ ...facts, error }, "api.failed");
    else this.ports.log.info({ ...facts, code: failure.body.error.code }, "api.refused");
    return reply.code(failure.status).type("application/json").send(failure.body);
  }

  #installRoutes(): void {
    const catalogues = new Catalogues(this.ports);
    const handlers: Handlers = {
      ...publicHandlers(this.ports, this.#submissions),
      ...userHandlers(this.ports, catalogues),
      ...adminHandlers(this.ports, catalogues),
      ...electionHandlers(this.ports),
      ...memberHandlers(this.ports),
      ...lightHandlers(this.ports),
    };
    for (const name of Object.keys(routes) as RouteName[]) this.#install(name, handlers);
    const metrics = createMetrics({ alliance: this.ports.alliance, private: this.ports.private });
    this.#app.get("/metrics", async (_request, reply) =>
      reply.type(metrics.contentType).send(await metrics.metrics()),
    );
    this.#refuseOtherMethods();
  }

  #install(name: RouteName, handlers: Handlers): void {
    const route = routes[name];
    const isUpload = route.requestBody === "octets";
    this.#app.route({
      method: route.method,
      url: route.path,
      ...(isUpload ? { bodyLimit: UPLOAD_BYTES_MAX } : {}),
      onRequest: async (request) => {
        this.#contexts.set(request, { signer: await this.#authentication.signerOf(request, route.role) });
      },
      handler: async (request, reply) => {
        const signer = this.#contexts.get(request)?.signer;
        requireMediaType(request, isUpload);
        const octets = isUpload ? (request.body as AsyncIterable<Uint8Array> | undefined) : undefined;
        const body = isUpload ? undefined : readJson(request, route.requestBody === "json", signer);
        const parameters = { ...(request.query as object), ...(request.params as object) };
        const call = { parameters, body, octets, signer, requestId: request.id };
        // The table's types tie name, call and answer together; the loop over it cannot.
        const answer = await (handlers[name] as (call: unknown) => Promise<unknown>)(call);
        if (answer instanceof Uint8Array)
          return reply.type("application/octet-stream").send(Buffer.from(answer));
        return reply.type("application/json").send(answer);
      },
    });
  }

  /** A known path under another method is told so. */
  #refuseOtherMethods(): void {
    const methodsOf = new Map<string, string[]>([["/metrics", ["GET"]]]);
    for (const { path, method } of Object.values(routes))
      methodsOf.set(path, [...(methodsOf.get(path) ?? []), method]);
    for (const [url, methods] of methodsOf) {
      const others = (["GET", "POST", "PUT", "DELETE", "PATCH"] as const).filter(
        (method) => !methods.includes(method),
      );
      // Fastify answers HEAD wherever it answers GET.
      this.#app.route({
        method: others,
        url,
        onRequest: async (_request, reply) => {
          reply.header("allow", methods.join(", "));
          throw new ConsiliumError("METHOD_NOT_ALLOWED", `Use ${methods.join(" or ")} here.`);
        },
        handler: async () => undefined,
      });
    }
  }
}

/** The parsers hand on JSON as bytes and octets as a stream; each route takes one of them. */
function requireMediaType({ body }: FastifyRequest, isUpload: boolean): void {
  if (body === undefined || body === null || body instanceof Uint8Array !== isUpload) return;
  throw new ConsiliumError(
    "MEDIA_TYPE_UNKNOWN",
    `Send ${isUpload ? "application/octet-stream" : "application/json"} here.`,
  );
}

function readJson(request: FastifyRequest, isExpected: boolean, signer: Signer | undefined): unknown {
  const bytes = request.body instanceof Uint8Array ? request.body : new Uint8Array();
  requireSignedBody(signer, bytes);
  if (!isExpected) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw malformed("The body is not valid JSON.");
  }
}

function authoritiesOf({ host, port, names }: ApiOptions): ReadonlySet<string> {
  const own = [host, "127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${port}`);
  return new Set([...own, ...names].map((name) => name.toLowerCase()));
}

function unknownRoute(request: FastifyRequest): ConsiliumError {
  return new ConsiliumError("ROUTE_UNKNOWN", "No such route; the contract of @consilium/client lists them.", {
    path: (request.url.split("?")[0] ?? "").slice(0, 200),
  });
}

function startFailure(cause: unknown, { host, port }: ApiOptions): ConsiliumError {
  if ((cause as { code?: unknown }).code === "EADDRINUSE") {
    const sentence = `Another process listens on ${host}:${port}; stop it, or set another api.listen.port in the config.`;
    return new ConsiliumError("PORT_IN_USE", sentence, { host, port }, { cause });
  }
  const sentence = `The API cannot listen on ${host}:${port}; check api.listen in the config.`;
  return new ConsiliumError("API_FAILED", sentence, { host, port }, { cause });
}
