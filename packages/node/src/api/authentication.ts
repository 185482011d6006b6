import {
  checkBody,
  type HttpMessage,
  ReplayGuard,
  type RouteRole,
  type VerifiedRequest,
  verifyRequest,
} from "@consilium/client";
import { ConsiliumError, fromHex, toHex } from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import { AccountStatus, queries } from "@consilium/ledger";
import { type Clock, Role } from "@consilium/protocol";
import type { FastifyRequest } from "fastify";
import { RateLimiter } from "../limits/index.js";

/** Who signed a request. `member` is the node of another member, and signs only where that is asked for. */
export interface Signer {
  readonly role: "user" | "admin" | "member";
  /** Account id of a user, node id of the administrator or member; hex. */
  readonly keyId: string;
  readonly verified: VerifiedRequest;
}

export interface AuthenticationPorts {
  readonly alliance: Chain;
  readonly nodeKey: Uint8Array;
  readonly clock: Clock;
  /** `host:port` under which clients reach this server, lower case. */
  readonly authorities: ReadonlySet<string>;
}

/** Requests a minute: of one signing key, and unsigned ones of one address. */
const SIGNED_RATE = { count: 3_000, windowMs: 60_000, namesMax: 10_000 } as const;
const PUBLIC_RATE = { count: 12_000, windowMs: 60_000, namesMax: 10_000 } as const;

/** Decides who a request comes from (RFC 9421), from its head alone, before the body is read. */
export class Authentication {
  readonly #replays = new ReplayGuard();
  readonly #signedRate = new RateLimiter(SIGNED_RATE);
  readonly #publicRate = new RateLimiter(PUBLIC_RATE);
  readonly #nodeId: string;

  constructor(private readonly ports: AuthenticationPorts) {
    this.#nodeId = toHex(ports.nodeKey);
  }

  /**
   * The signer of a request for a route with a role; undefined for a public route, and for an unsigned request to one
   * where signing is optional.
   * @throws ConsiliumError `AUTH_…`, `ROLE_REQUIRED`, `RATE_LIMITED`, `BUSY`.
   */
  async signerOf(request: FastifyRequest, role: RouteRole): Promise<Signer | undefined> {
    const nowMs = this.ports.clock.nowMs();
    if (role === "public" || (role === "optional" && !isSigned(request))) {
      this.#publicRate.take(request.ip, nowMs);
      return undefined;
    }
    const verified = await verifyRequest({
      message: messageOf(request),
      hasBody: hasBody(request),
      nowMs,
      keyOf: (keyId) => this.#keyOf(keyId, role)?.key,
      isOwnAuthority: (authority) => this.ports.authorities.has(authority),
    });
    const signerRole = this.#keyOf(verified.keyId, role)?.role;
    if (signerRole === undefined || (role !== "optional" && signerRole !== role)) {
      throw new ConsiliumError(
        "ROLE_REQUIRED",
        role === "admin"
          ? "This route is for the hospital's administrator."
          : "This route is for users' accounts.",
        { role },
      );
    }
    this.#signedRate.take(verified.keyId, nowMs);
    this.#replays.claim(verified, nowMs);
    return { role: signerRole, keyId: verified.keyId, verified };
  }

  /** Who a key id names on a route with this role, and the Ed25519 key behind it. */
  #keyOf(
    keyId: string,
    role: RouteRole,
  ): { readonly role: Signer["role"]; readonly key: Uint8Array } | undefined {
    if (keyId === this.#nodeId) return { role: "admin", key: this.ports.nodeKey };
    if (!/^[0-9a-f]{64}$/.test(keyId)) return undefined;
    const state = this.ports.alliance.state();
    const id = fromHex(keyId);
    if (role === "optional" && queries.isMember(state, id)) return { role: "member", key: id };
    const account = queries.account(state, id);
    // A member has an account too, for its transactions. Its node key speaks here, its account does not.
    const isUser = account?.status === AccountStatus.live && account.role !== Role.member;
    return isUser ? { role: "user", key: account.signKey } : undefined;
  }
}

/** Compares a body that was read whole with what was signed. @throws ConsiliumError `AUTH_BAD_DIGEST`. */
export function requireSignedBody(signer: Signer | undefined, body: Uint8Array): void {
  if (signer !== undefined) checkBody(signer.verified, body);
}

function isSigned({ headers }: FastifyRequest): boolean {
  return headers["signature-input"] !== undefined || headers.signature !== undefined;
}

function hasBody(request: FastifyRequest): boolean {
  const length = request.headers["content-length"];
  return request.headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

function messageOf(request: FastifyRequest): HttpMessage {
  const [path, ...query] = request.url.split("?");
  const headers = Object.entries(request.headers).map(
    ([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value] as const,
  );
  return {
    method: request.method,
    authority: (request.headers.host ?? "").toLowerCase(),
    path: path ?? "/",
    query: query.length === 0 ? "?" : `?${query.join("?")}`,
    headers: Object.fromEntries(headers),
  };
}
