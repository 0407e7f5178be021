import type { MemberTrace } from 'clusterpack/core';
import type { EventFact, Fact } from './facts.js';

/** Verdicts may come so long after what made a member unreachable for others is over. */
const AFTERMATH_MS = 20_000;
/** Of the events of a member, for a finding. */
const REMEMBERED = 8;
/** Messages of which nothing is wrong are forgotten after this. */
const FORGET_MS = 120_000;

/** What each event may follow, per observer and member. `none`: never heard of. */
const LEGAL: Readonly<Record<EventFact['event'], readonly State[]>> = {
  joined: ['none', 'lost'],
  updated: ['active'],
  suspected: ['active'],
  recovered: ['active', 'lost'],
  unreachable: ['active'],
  left: ['active', 'lost'],
};
const AFTER: Readonly<Record<EventFact['event'], State>> = {
  joined: 'active',
  updated: 'active',
  suspected: 'active',
  recovered: 'active',
  unreachable: 'lost',
  left: 'gone',
};
type State = 'none' | 'active' | 'lost' | 'gone';

/** Errors that say for certain that a message did not arrive. */
const CERTAIN = new Set([
  'CLUSTER_NOT_DELIVERED',
  'CLUSTER_NO_ROUTE',
  'CLUSTER_NO_RECEIVER',
  'CLUSTER_SEND_QUEUE_FULL',
  'CLUSTER_MEMBER_DRAINING',
  'CLUSTER_UNKNOWN_MEMBER',
  'CLUSTER_CLOSED',
]);

/** A process as the judge needs to know it. */
export interface Judged {
  readonly host: string;
  readonly id: string | undefined;
  readonly endedMs: number | undefined;
}

/** A time during which hosts could rightly be held unreachable. */
export interface Disturbance {
  readonly what: string;
  readonly fromMs: number;
  /** Undefined: it lasts. */
  untilMs: number | undefined;
  /** Whether `observer` may rightly give `subject` up. */
  excuses(observer: string, subject: string): boolean;
}

interface Message {
  readonly sentMs: number;
  outcome: 'open' | 'accepted' | 'certain' | 'uncertain';
  got: number;
}

/** Says what no cluster may do, from the facts that its nodes tell. */
export class Judge {
  readonly findings: string[] = [];
  /** Live, healthy members that were called unreachable. */
  falsePositives = 0;
  accepted = 0;
  unreachable = 0;
  readonly #told = new Map<string, Pick<EventFact, 'event' | 'at'>[]>();
  readonly #messages = new Map<string, Message>();
  #disturbances: Disturbance[] = [];

  /** @param find the process that has, or had, a member id */
  constructor(readonly find: (id: string) => Judged | undefined) {}

  disturbed(disturbance: Disturbance): Disturbance {
    this.#disturbances.push(disturbance);
    return disturbance;
  }

  take(by: Judged, fact: Fact): void {
    if ('event' in fact) this.#event(by, fact);
    else if ('sent' in fact) this.#message(fact.sent, fact.at);
    else if ('accepted' in fact) this.#settled(fact.accepted, fact.at, 'accepted', '');
    else if ('rejected' in fact)
      this.#settled(fact.rejected, fact.at, CERTAIN.has(fact.code) ? 'certain' : 'uncertain', fact.code);
    else if ('got' in fact) this.#got(fact.got, fact.at);
  }

  /** The cluster is calm: what was sent has settled, and what was accepted has come. Forgets what is in order. */
  calm(nowMs: number): void {
    for (const [key, message] of this.#messages) {
      const [from, to] = key.split(' ').map((id) => this.find(id));
      if (message.outcome === 'open' && from?.endedMs === undefined)
        this.#find(
          `message ${key} has not settled ${Math.round(nowMs - message.sentMs)} ms after it was sent`,
        );
      if (message.outcome === 'accepted' && message.got === 0 && to?.endedMs === undefined)
        this.#find(`message ${key} was accepted, and has not come`);
      const isWrong = message.outcome === 'open' || (message.outcome === 'accepted' && message.got === 0);
      if (isWrong || nowMs - message.sentMs > FORGET_MS) this.#messages.delete(key);
    }
    this.#disturbances = this.#disturbances.filter(
      ({ untilMs }) => untilMs === undefined || untilMs >= nowMs - 2 * AFTERMATH_MS,
    );
  }

  #event(by: Judged, { event, id, at, incarnation, why = [] }: EventFact): void {
    const subject = this.find(id);
    if (id !== by.id) {
      const key = `${by.id} ${id}`;
      const told = this.#told.get(key) ?? [];
      const before = told.length === 0 ? 'none' : AFTER[told.at(-1)!.event];
      told.push({ event, at });
      if (told.length > REMEMBERED) told.shift();
      this.#told.set(key, told);
      if (!LEGAL[event].includes(before))
        this.#find(
          `${by.host} (${by.id}) told of ${subject?.host ?? 'nobody'} (${id}): ${told.map((each) => `${each.event} at ${Math.round(each.at)}`).join(', ')}`,
        );
    }
    if (event !== 'unreachable') return;
    this.unreachable++;
    if (subject === undefined || (subject.endedMs !== undefined && subject.endedMs <= at)) return;
    if (this.#isExcused(by.host, subject.host, at)) return;
    this.falsePositives++;
    this.#find(
      `${by.host} calls ${subject.host} (${id}, incarnation ${incarnation}) unreachable at ${Math.round(at)} ms, which lives and is well:\n${why.map(written).join('\n')}`,
    );
  }

  #isExcused(observer: string, subject: string, at: number): boolean {
    return this.#disturbances.some(
      ({ fromMs, untilMs, excuses }) =>
        fromMs <= at && at <= (untilMs ?? Infinity) + AFTERMATH_MS && excuses(observer, subject),
    );
  }

  /** Facts of two processes come in any order. */
  #message(key: string, at: number): Message {
    const known = this.#messages.get(key);
    if (known !== undefined) return known;
    const message: Message = { sentMs: at, outcome: 'open', got: 0 };
    this.#messages.set(key, message);
    return message;
  }

  #settled(key: string, at: number, outcome: Message['outcome'], code: string): void {
    const message = this.#message(key, at);
    if (message.outcome !== 'open')
      this.#find(`message ${key} settled twice, the second time ${code || outcome}`);
    message.outcome = outcome;
    if (outcome === 'accepted') this.accepted++;
    this.#checkCame(key, message);
  }

  #got(key: string, at: number): void {
    const message = this.#message(key, at);
    message.got++;
    if (message.got === 2) this.#find(`message ${key} came twice`);
    this.#checkCame(key, message);
  }

  #checkCame(key: string, { outcome, got }: Message): void {
    if (outcome === 'certain' && got > 0)
      this.#find(`message ${key} came, and its sender was told for certain that it did not`);
  }

  #find(finding: string): void {
    this.findings.push(finding);
  }
}

function written({ at, kind, byName, detail, data }: MemberTrace): string {
  const figures = Object.entries(data ?? {}).map(([name, figure]) => `${name} ${Math.round(figure)}`);
  const by = byName === undefined ? undefined : `by ${byName}`;
  return `    ${new Date(at).toISOString()} ${[kind, by, detail, ...figures].filter(Boolean).join(' ')}`;
}
