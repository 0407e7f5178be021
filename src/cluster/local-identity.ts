import { randomBytes } from 'node:crypto';
import type { Address } from '../address.js';
import type { Clock } from '../clock.js';
import { Member, type ClusterMetadata, type MemberHealth } from '../membership/membership.js';
import type { LocalMember } from '../membership/protocol.js';
import { createNodeId, type NodeId } from '../node-id.js';
import { epochMsOf } from './wall-clock.js';

/** The protocol versions that this release speaks. */
const VERSIONS = { min: 1, max: 1 };

/** How long an id that replaced another is kept at least. */
const MIN_RENEWED_MS = 60_000;

/** Who this node is, and what it tells of itself. */
export class LocalIdentity {
  #id: NodeId;
  #keepUntilMs = Number.NEGATIVE_INFINITY;
  readonly #startedAtMs: number;
  #health: MemberHealth = 'ok';
  #healthReason: string | undefined;

  /** @param random makes ids repeatable, for tests and simulation; the system's secure source if undefined */
  constructor(
    private readonly name: string,
    public metadata: ClusterMetadata,
    private readonly clock: Clock,
    private readonly random: (() => number) | undefined,
  ) {
    this.#startedAtMs = epochMsOf(clock);
    this.#id = this.#fresh();
  }

  get id(): NodeId {
    return this.#id;
  }

  /**
   * Takes a new id, since the old one turned out to be somebody else's.
   *
   * @returns false when the id is hardly a minute old: whoever asks for that is not to be believed
   */
  renew(): boolean {
    const now = this.clock.now();
    if (now < this.#keepUntilMs) return false;
    this.#keepUntilMs = now + MIN_RENEWED_MS;
    this.#id = this.#fresh();
    return true;
  }

  get health(): MemberHealth {
    return this.#health;
  }

  /** How well this node says that it serves, and why: under a new id, too. */
  setHealth(health: MemberHealth, reason: string | undefined): void {
    this.#health = health;
    this.#healthReason = reason;
  }

  /** What the protocol starts with. */
  fields(address: Address): LocalMember {
    return {
      id: this.#id,
      name: this.name,
      address,
      metadata: this.metadata,
      health: this.#health,
      healthReason: this.#healthReason,
      startedAtMs: this.#startedAtMs,
      minVersion: VERSIONS.min,
      maxVersion: VERSIONS.max,
    };
  }

  /** The member that this node is going to be. */
  member(address: Address): Member {
    return Member.of({ ...this.fields(address), state: 'alive', incarnation: 0 });
  }

  #fresh(): NodeId {
    const { random } = this;
    if (random === undefined) return createNodeId(epochMsOf(this.clock), randomBytes(10));
    const bytes = Uint8Array.from({ length: 10 }, () => Math.floor(random() * 256));
    return createNodeId(this.clock.epochMs?.() ?? this.clock.now(), bytes);
  }
}
