import type { ProtocolNotice, TraceEvent } from '../../membership/protocol.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { Check, Input, WatchedNode } from './check.js';
import type { MemberCount } from './member-count.js';
import { PerNode } from './per-node.js';
import { violated } from './violation.js';

/** Syncs that may fail after a stall: then the node may be the one that is cut off, and judges without. */
const MAX_FAILED = 3;

/** What had become of its syncs when a node was stalled. */
interface Before {
  readonly completed: number;
  readonly failed: number;
}

interface Observer {
  /** Undefined while it may judge. */
  before: Before | undefined;
}

/**
 * Rule 10, of those that have been away: after a stall longer than a probe interval nobody gives a verdict, nor suspects
 * for a probe of its own, before a sync has told it what happened meanwhile (decisions 8).
 */
export class SyncFirst implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  readonly #counts: MemberCount<SwimMessage>;
  readonly #observers = new PerNode<SwimMessage, Observer>(() => ({ before: undefined }));

  constructor(options: SwimOptions, counts: MemberCount<SwimMessage>) {
    this.#options = options;
    this.#counts = counts;
  }

  started(node: WatchedNode<SwimMessage>): void {
    this.#observers.watch(node);
  }

  ended(node: WatchedNode<SwimMessage>): void {
    this.#observers.forget(node);
  }

  beforeInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    if (input.kind !== 'stalled' || input.ms <= this.#options.probeIntervalMs) return;
    if (!this.#options.components.eventLoopAwareness || node.protocol.local.state === 'left') return;
    const observer = this.#observers.of(node);
    if (observer === undefined || !mayJudge(node, observer)) return;
    // Nobody is there to be asked.
    if (this.#counts.at(node) > 1) observer.before = syncsOf(node);
  }

  traced(node: WatchedNode<SwimMessage>, { kind, about, by, detail }: TraceEvent): void {
    switch (kind) {
      case 'slept': {
        // It has started over, and knows nobody.
        const observer = this.#observers.of(node);
        if (observer !== undefined) observer.before = undefined;
        return;
      }
      case 'suspected':
        if (by !== node.id || detail !== 'soft') return;
        break;
      case 'verdict':
        break;
      default:
        return;
    }
    const observer = this.#observers.of(node);
    if (observer === undefined || mayJudge(node, observer)) return;
    const name = about === undefined ? undefined : node.protocol.member(about)?.name;
    violated(
      10,
      node,
      `${kind === 'verdict' ? 'judged' : 'suspected'} ${name} after a stall, before any sync`,
    );
  }

  noticed(node: WatchedNode<SwimMessage>, { type }: ProtocolNotice): void {
    if (type !== 'join-completed') return;
    // Its pages say as much as those of a sync.
    const observer = this.#observers.of(node);
    if (observer !== undefined) observer.before = undefined;
  }
}

function mayJudge(node: WatchedNode<SwimMessage>, observer: Observer): boolean {
  const { before } = observer;
  if (before === undefined) return true;
  const { completed, failed } = syncsOf(node);
  if (completed === before.completed && failed - before.failed < MAX_FAILED) return false;
  observer.before = undefined;
  return true;
}

/** Joins that failed count too: the rule is the weaker for it, and never wrong. */
function syncsOf({ protocol: { counters } }: WatchedNode<SwimMessage>): Before {
  const { syncsCompleted = 0, syncsFailed = 0, syncsBusy = 0, pagesRefused = 0 } = counters;
  return { completed: syncsCompleted, failed: syncsFailed + syncsBusy + pagesRefused };
}
