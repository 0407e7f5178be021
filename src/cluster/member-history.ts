import type { Member } from '../membership/membership.js';
import type { TraceEvent } from '../membership/protocol.js';
import type { NodeId } from '../node-id.js';

/**
 * Something that happened to a member, as this node knows it.
 *
 * @publicApi
 */
export interface MemberTrace {
  /** Milliseconds since 1970, by this node's clock. */
  readonly at: number;
  /** What, for example `suspected`, `probe-failed`, `hard-quorum`, `refused`; docs/PROTOCOL.md lists the kinds. */
  readonly kind: string;
  /** Who said so, or did it; undefined where it was this node alone, or nobody. */
  readonly by?: NodeId | undefined;
  /** The name of that member, as far as it is remembered. */
  readonly byName?: string | undefined;
  /** Why, or how, in the protocol's words. */
  readonly detail?: string | undefined;
  /** Figures that explain it: timeouts in milliseconds, counts. */
  readonly data?: Readonly<Record<string, number>> | undefined;
}

/**
 * What a node thinks of a member, and how it came to that.
 *
 * @publicApi
 */
export interface MemberExplanation {
  /** As it stands here; undefined if nobody with this id is remembered. */
  readonly member: Member | undefined;
  /** When this node's own probe of it was answered last, in milliseconds since 1970; undefined: never so far. */
  readonly answeredAt: number | undefined;
  /** The last 32 things that happened to it, the oldest first: accusations and who made them, evidence, verdicts. */
  readonly history: readonly MemberTrace[];
}

const TRACES = 32;
/** Of so many members, those that were heard of last. */
const MEMBERS = 4096;

/** Made again and again, by each probe or each accusation that is passed on: they would push out what explains something. */
const ROUTINE = new Set(['probe', 'sync', 'stale-answered', 'heal', 'buddy']);

interface Known {
  answeredAt: number | undefined;
  readonly traces: MemberTrace[];
}

/** Keeps what the protocol traces about members, for {@link ClusterNode.explain}. Bounded in members and per member. */
export class MemberHistory {
  readonly #records = new Map<NodeId, Known>();

  /** @param epochMs the wall clock */
  constructor(readonly epochMs: () => number) {}

  take({ kind, about, by, detail, data }: TraceEvent): void {
    if (about === undefined || ROUTINE.has(kind)) return;
    const record = this.#record(about);
    const at = this.epochMs();
    if (kind === 'probe-acked') record.answeredAt = at;
    else if (record.traces.push({ at, kind, by, detail, data }) > TRACES) record.traces.shift();
  }

  explain(id: NodeId, find: (id: NodeId) => Member | undefined): MemberExplanation {
    const record = this.#records.get(id);
    const history = (record?.traces ?? []).map((trace) => ({
      ...trace,
      byName: trace.by === undefined ? undefined : find(trace.by)?.name,
    }));
    return { member: find(id), answeredAt: record?.answeredAt, history };
  }

  #record(id: NodeId): Known {
    const record: Known = this.#records.get(id) ?? { answeredAt: undefined, traces: [] };
    this.#records.delete(id);
    this.#records.set(id, record);
    if (this.#records.size > MEMBERS) this.#records.delete(this.#records.keys().next().value!);
    return record;
  }
}
