import type { ClusterNode } from '../../cluster/node.js';
import type { MembershipEvent } from '../../membership/membership.js';
import type { NodeId } from '../../node-id.js';
import type { Findings } from './findings.js';

/** Which event may follow which, per id (decisions 2). `none`: no event yet. `left` after `unreachable` emits nothing. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  none: ['joined'],
  alive: ['updated', 'suspected', 'unreachable', 'left'],
  suspect: ['updated', 'recovered', 'unreachable', 'left'],
  unreachable: ['joined'],
  left: [],
};

const AFTER: Readonly<Record<string, string>> = {
  joined: 'alive',
  recovered: 'alive',
  suspected: 'suspect',
  unreachable: 'unreachable',
  left: 'left',
};

/** What one node tells its application: the grammar per member, a view that is the sum of the events, first things first. */
export class EventChecks {
  readonly #states = new Map<NodeId, string>();
  readonly #active = new Set<NodeId>();

  constructor(
    private readonly name: string,
    private readonly node: ClusterNode,
    private readonly findings: Findings,
  ) {}

  event({ type, member, view }: MembershipEvent): void {
    const { id } = member;
    if (id === this.node.local.id) return;
    const state = this.#states.get(id) ?? 'none';
    if (NEXT[state]?.includes(type) !== true) {
      this.findings.add('grammar', `${this.name} was told that ${member.name} ${type} while it was ${state}`);
    }
    this.#states.set(id, AFTER[type] ?? state);
    if (type === 'joined' || type === 'recovered') this.#active.add(id);
    if (type === 'unreachable' || type === 'left') this.#active.delete(id);
    const others = view.filter((other) => other.id !== this.node.local.id);
    if (others.length !== this.#active.size || others.some((other) => !this.#active.has(other.id))) {
      this.findings.add(
        'view-is-fold',
        `after "${member.name} ${type}" the view of ${this.name} has ${others.length} others, its events give ${this.#active.size}`,
      );
    }
  }

  /** A message of a member is given to the application. */
  message(from: NodeId): void {
    if (from === this.node.local.id || this.#states.has(from)) return;
    this.findings.add(
      'joined-first',
      `${this.name} got a message of ${from} before it was told that this one joined`,
    );
  }
}
