import type { Member, MemberFields } from 'clusterpack/core';
import { Random } from 'clusterpack/testing';
// The package exports no node that has a view and nothing that carries it, so this measurement reaches inside.
import type { KnownPeer, Peer } from '../../../dist/membership/protocol.js';
import type { Page, SwimMessage } from '../../../dist/membership/swim/messages.js';
import { resolveSwimOptions } from '../../../dist/membership/swim/options.js';
import { Swim } from '../../../dist/membership/swim/swim.js';
import { createNodeId } from '../../../dist/node-id.js';
import { QuietWorld, type Said } from './quiet-world.js';

const MEMBERS_PER_PAGE = 100;
const PORT = 7946;
const STARTED_AT_MS = 1_700_000_000_000;
const ALL_BUCKETS = 0xffff_ffff;
/** Until the core has passed on what it has just learnt. */
const SPREAD_MS = 10_000;
/** Until each member has been probed: two rounds through all. */
const ROUNDS = 2;
const ROUND_MS = 1000;

/** How a node learns of members: all at once from a seed as it joins, or one by one as they join later. */
export type Lesson = 'from a seed' | 'by gossip';

/** The protocol's core of one node, and a cluster that answers it: the members have come to it as bytes. */
export class CrowdedCore {
  readonly #random: Random;
  readonly #others: readonly MemberFields[];
  readonly #addresses: ReadonlyMap<string, MemberFields['address']>;
  readonly #world: QuietWorld;
  readonly #core: Swim;
  /** What the seed has still to tell. */
  #pages: Page[] = [];
  #lesson: Lesson = 'from a seed';

  constructor(members: number, seed: number) {
    this.#random = new Random(seed);
    this.#others = Array.from({ length: members - 1 }, (_, index) => this.#fields(index + 1));
    this.#addresses = new Map(this.#others.map(({ id, address }) => [id, address]));
    this.#world = new QuietWorld(this.#random, (to, message) => this.#answer(to, message));
    this.#core = new Swim(resolveSwimOptions('lan'), this.#fields(0), this.#world);
    this.#world.hearer = this.#core;
    this.#core.start();
  }

  /** Members in its view, itself included. */
  get size(): number {
    return this.#core.view.members.length;
  }

  /** Meets all, and watches them until each has been probed. */
  learn(lesson: Lesson): void {
    this.#lesson = lesson;
    const seed = this.#others[0]!;
    this.#core.join([seed.address]);
    this.#world.runFor(SPREAD_MS);
    if (lesson === 'by gossip') for (const fields of this.#others) this.#tell(seed, fields);
    this.#world.runFor(SPREAD_MS + ROUNDS * ROUND_MS * this.#others.length);
  }

  #tell({ id, address }: KnownPeer, fields: MemberFields): void {
    this.#world.say({ id, address }, { type: 'gossip', updates: [{ type: 'alive', member: told(fields) }] });
    this.#world.runFor(ROUND_MS / 10);
  }

  #answer(to: Peer, message: SwimMessage): Said | undefined {
    if (message.type === 'ping') {
      const { seq, digest } = message;
      const from = { id: message.to, address: this.#addresses.get(message.to)! };
      return { from, message: { type: 'ack', seq, incarnation: 0, digest, updates: [] } };
    }
    const from = { id: to.id ?? this.#others[0]!.id, address: to.address };
    switch (message.type) {
      case 'join':
        this.#pages = this.#pagesFor(message.attempt);
        return { from, message: this.#pages.shift()! };
      case 'pageTaken': {
        const next = this.#pages.shift();
        return next === undefined ? undefined : { from, message: next };
      }
      case 'page':
        return {
          from,
          message: { type: 'pageTaken', sync: message.sync, side: message.side, index: message.index },
        };
      case 'syncStart':
        return { from, message: page(message.sync, 0, true, []) };
      default:
        return undefined;
    }
  }

  /** The seed comes first. */
  #pagesFor(sync: number): Page[] {
    const members = this.#lesson === 'from a seed' ? this.#others : this.#others.slice(0, 1);
    const count = Math.ceil(members.length / MEMBERS_PER_PAGE);
    return Array.from({ length: count }, (_, index) =>
      page(
        sync,
        index,
        index === count - 1,
        members.slice(index * MEMBERS_PER_PAGE, (index + 1) * MEMBERS_PER_PAGE).map(told),
      ),
    );
  }

  #fields(index: number): MemberFields {
    const startedAtMs = STARTED_AT_MS + index;
    return {
      id: createNodeId(startedAtMs, this.#random.bytes(10)),
      name: `host-${index}-${1000 + index}`,
      address: { host: `10.0.${index >> 8}.${index & 255}`, port: PORT },
      state: 'alive',
      incarnation: 0,
      metadata: {},
      health: 'ok',
      startedAtMs,
      minVersion: 1,
      maxVersion: 1,
    };
  }
}

function page(sync: number, index: number, last: boolean, members: readonly Member[]): Page {
  const mask = members.length === 0 ? 0 : ALL_BUCKETS;
  return { type: 'page', sync, side: 'answer', index, last, maskLow: mask, maskHigh: mask, members };
}

/** A copy for each message: the codec keeps the bytes of a member as long as there is the member. */
function told(fields: MemberFields): Member {
  return { ...fields } as Member;
}
