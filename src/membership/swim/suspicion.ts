import type { NodeId } from '../../node-id.js';
import type { Entry } from './entry.js';
import { expectedConfirmations, maxSuspicionMs, minSuspicionMs, suspicionTimeoutMs } from './formulas.js';
import type { SuspicionKind } from './messages.js';
import type { SentPing } from './pings.js';
import type { Parts } from './parts.js';
import type { TraceData } from './traces.js';

/** What a node saw itself, and had confirmed, before it shortened a suspicion. */
export interface HardEvidence {
  /** When its own dial was refused, or answered by another. */
  readonly seenAtMs: number;
  /** The relays that were refused too. */
  readonly witnesses: readonly NodeId[];
  /** A last ping, so that a member that lives can say so. */
  readonly lastPing: SentPing | undefined;
}

/** The same, and what it led to. */
interface Shortened extends HardEvidence {
  readonly shortenedAtMs: number;
  /** How long a member has to answer from then on. */
  readonly deadlineMs: number;
}

/** A doubt about a member, running against the clock. */
export class Suspicion {
  readonly entry: Entry;
  /** Who doubted first. */
  readonly accuser: NodeId;
  /** Everybody who doubts, the first one included; bounded by K + 1. */
  readonly accusers: Set<NodeId>;
  kind: SuspicionKind;
  /** When it began here, or the last contact since. */
  startedAtMs: number;
  deadlineMs = 0;
  /** Who saw hard evidence too; only at the one node that shortened. */
  evidence: Shortened | undefined;
  /** Min, when the deadline was set. */
  minMs = 0;
  token = 0;
  /** The deadline has passed, and so has the poll after it. */
  polled = false;

  constructor(entry: Entry, accuser: NodeId, kind: SuspicionKind, startedAtMs: number) {
    this.entry = entry;
    this.accuser = accuser;
    this.accusers = new Set([accuser]);
    this.kind = kind;
    this.startedAtMs = startedAtMs;
  }

  /** Whether this node shortened it on hard evidence of its own. */
  get shortened(): boolean {
    return this.evidence !== undefined;
  }
}

/** Starts, confirms, shortens and ends suspicions. Lifeguard §IV-B, decisions 3. */
export class Suspicions {
  readonly #parts: Parts;
  readonly #running = new Set<Suspicion>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** How many are running. */
  get size(): number {
    return this.#running.size;
  }

  begin(entry: Entry, accuser: NodeId, kind: SuspicionKind): Suspicion {
    this.end(entry);
    const suspicion = new Suspicion(entry, accuser, kind, this.#parts.world.now());
    entry.suspicion = suspicion;
    this.#running.add(suspicion);
    this.#parts.checks.cancel(entry);
    this.#schedule(suspicion, suspicion.startedAtMs + this.#timeoutMs(suspicion));
    return suspicion;
  }

  /** One more accuser. The first K are gossiped again, and each brings the deadline closer. */
  confirm(entry: Entry, accuser: NodeId, kind: SuspicionKind): void {
    const suspicion = entry.suspicion;
    if (suspicion === undefined || suspicion.accusers.has(accuser)) return;
    const { options, gossiper } = this.#parts;
    if (!options.components.lhaSuspicion) return;
    if (suspicion.accusers.size - 1 >= this.#expected(suspicion)) return;
    suspicion.accusers.add(accuser);
    this.#parts.count('confirmations');
    const { id, incarnation } = entry.member;
    gossiper.spread({ type: 'suspect', id, incarnation, accuser, kind }, accuser);
    const beforeMs = suspicion.deadlineMs;
    this.#moveUp(suspicion, suspicion.startedAtMs + this.#timeoutMs(suspicion));
    this.traced('suspicion-confirmed', suspicion, accuser, kind, beforeMs - suspicion.deadlineMs);
  }

  /** Tells of a suspicion, with the figures of its timeout at this moment. */
  traced(
    kind: 'suspected' | 'suspicion-confirmed',
    suspicion: Suspicion,
    by: NodeId,
    detail: string,
    soonerMs = 0,
  ): void {
    if (!this.#parts.isTraced) return;
    const { options, table } = this.#parts;
    this.#parts.trace(kind, suspicion.entry.member.id, by, detail, {
      timeoutMs: this.#timeoutMs(suspicion),
      minMs: minSuspicionMs(options, table.size),
      maxMs: maxSuspicionMs(options, table.size),
      confirmations: suspicion.accusers.size - 1,
      expected: this.#expected(suspicion),
      soonerMs,
    });
  }

  /** One who might have confirmed never will: its port refuses this node (ADR 10). */
  fewerConfirmers(): void {
    for (const suspicion of this.#running)
      this.#moveUp(suspicion, suspicion.startedAtMs + this.#timeoutMs(suspicion));
  }

  /** This node has hard evidence, confirmed: one probe timeout remains. */
  shorten(entry: Entry, remainingMs: number, evidence: HardEvidence): void {
    const suspicion = entry.suspicion;
    if (suspicion === undefined) return;
    suspicion.kind = 'hard';
    const shortenedAtMs = this.#parts.world.now();
    suspicion.evidence = { ...evidence, shortenedAtMs, deadlineMs: remainingMs };
    this.#moveUp(suspicion, shortenedAtMs + remainingMs);
  }

  /** A sign of life: what the quorum took away is given back. */
  soften(entry: Entry): void {
    const suspicion = entry.suspicion;
    if (suspicion === undefined || !suspicion.shortened) return;
    suspicion.kind = 'soft';
    if (suspicion.evidence?.lastPing !== undefined) this.#parts.pings.forget(suspicion.evidence.lastPing);
    suspicion.evidence = undefined;
    this.#parts.count('hardEvidenceContradicted');
    this.#parts.trace('hard-contradicted', entry.member.id);
    this.#schedule(suspicion, suspicion.startedAtMs + this.#timeoutMs(suspicion));
  }

  /** Ends without a verdict of its own. */
  end(entry: Entry): void {
    const suspicion = entry.suspicion;
    if (suspicion === undefined) return;
    entry.suspicion = undefined;
    this.#running.delete(suspicion);
    const { pings } = this.#parts;
    if (suspicion.evidence?.lastPing !== undefined) pings.forget(suspicion.evidence.lastPing);
    suspicion.token = this.#parts.timers.cancel(suspicion.token);
  }

  /** The deadline has passed: the verdict, unless something speaks against it. */
  expired(suspicion: Suspicion): void {
    suspicion.token = 0;
    const { options, timers, stalls, merge, world, self } = this.#parts;
    const { entry } = suspicion;
    if (entry.suspicion !== suspicion || this.#parts.leaver.leaving) return;
    if (options.components.eventLoopAwareness && !suspicion.polled) {
      suspicion.polled = true;
      suspicion.token = timers.afterPoll('suspicion', suspicion);
      return;
    }
    if (!stalls.mayJudge()) return this.#schedule(suspicion, world.now() + options.probeTimeoutMs);
    if (options.components.contraryEvidence && entry.heardAtMs > suspicion.startedAtMs)
      return this.#extend(suspicion);
    const { id, incarnation } = entry.member;
    const witnesses = suspicion.evidence?.witnesses ?? [];
    const kind = suspicion.shortened ? 'hard' : 'soft';
    this.#parts.count(kind === 'hard' ? 'hardVerdicts' : 'softVerdicts');
    if (this.#parts.isTraced) this.#parts.trace('verdict', id, self.id, kind, this.#grounds(suspicion));
    merge.bury(entry, { type: 'unreachable', id, incarnation, by: self.id, kind, witnesses }, self.id);
  }

  /** What a verdict rests on. */
  #grounds({ startedAtMs, minMs, evidence }: Suspicion): TraceData {
    const now = this.#parts.world.now();
    const soft = { suspectedForMs: now - startedAtMs, minMs, witnesses: evidence?.witnesses.length ?? 0 };
    if (evidence === undefined) return soft;
    return { ...soft, hardForMs: now - evidence.shortenedAtMs, deadlineMs: evidence.deadlineMs };
  }

  /** It has answered since, but not refuted: it is told again, and a whole timeout runs from that answer. */
  #extend(suspicion: Suspicion): void {
    suspicion.startedAtMs = suspicion.entry.heardAtMs;
    this.#parts.gossiper.tell(suspicion.entry.member, this.#parts.gossiper.held(suspicion.entry));
    this.#schedule(suspicion, suspicion.startedAtMs + this.#timeoutMs(suspicion));
  }

  #timeoutMs(suspicion: Suspicion): number {
    const { options, table } = this.#parts;
    const n = table.size;
    return suspicionTimeoutMs(
      suspicion.accusers.size - 1,
      this.#expected(suspicion),
      minSuspicionMs(options, n),
      maxSuspicionMs(options, n),
    );
  }

  /**
   * K: all but the member and its accuser could confirm, except those of whom this node has hard evidence of its own.
   * Merely suspected ones still could: a slow node that suspects everybody must not hurry (ADR 10).
   */
  #expected({ entry, accuser }: Suspicion): number {
    const { options, table, self } = this.#parts;
    let confirmers = accuser === self.id ? 0 : 1;
    for (const other of table.others) {
      if (confirmers >= options.suspicionConfirmations) break;
      if (other !== entry && other.member.id !== accuser && !other.refuses) confirmers++;
    }
    return expectedConfirmations(options, confirmers);
  }

  /** A deadline never moves away by a confirmation, whatever has become of n. */
  #moveUp(suspicion: Suspicion, deadlineMs: number): void {
    if (deadlineMs < suspicion.deadlineMs) this.#schedule(suspicion, deadlineMs);
  }

  #schedule(suspicion: Suspicion, deadlineMs: number): void {
    const { timers, world, options, table } = this.#parts;
    timers.cancel(suspicion.token);
    suspicion.polled = false;
    suspicion.deadlineMs = deadlineMs;
    suspicion.minMs = minSuspicionMs(options, table.size);
    suspicion.token = timers.after(deadlineMs - world.now(), 'suspicion', suspicion);
  }
}
