import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Frame } from '../../src/transport/session/frame.js';
import { FrameSplitter } from '../../src/transport/session/frame-splitter.js';
import type { Attacker } from './attacker.js';
import type { ClusterProcess, Finish, Report, Start } from './cluster-process.js';
import { answers, type Attack, type Material } from './outsiders.js';
import { ID, type Play } from './play.js';
import { Round } from './round.js';

const AT_ONCE = 16;
/** Inputs that made a node say something new: so many of each batch, and so many in all. */
const KEPT_OF_BATCH = 6;
const MAX_KEPT = 300;
const MUTANTS = 60;
/** A delay worth a word. */
const STALL_MS = 100;
/** Until the last closes are counted, and links of strangers are gone. */
const CALM_MS = 600;

/** What a campaign saw, for its judge. */
export interface Course {
  readonly seed: number;
  readonly rounds: number;
  readonly start: Start;
  readonly finish: Finish & { readonly ended: boolean };
  readonly ranMs: number;
  readonly kept: number;
  readonly words: readonly string[];
  /** What the three said about each other, and after which attack. */
  readonly harm: readonly string[];
  /** The longest delays of the event loop, each longer than those before, and after which attack. */
  readonly stalls: readonly string[];
}

/** Runs a round, with whatever belongs before and after it. */
export type Around = (round: () => Promise<void>) => Promise<void>;

/**
 * Attacks a cluster, round after round, until its time is up.
 *
 * A round goes through the whole catalogue; the first one, or a few, warm the cluster up, and only then is the memory
 * measured that the end is compared with: code is compiled, pools and tables have been as full as the attacks can make them.
 *
 * It is guided by what can be seen from outside: after each batch the nodes tell by which words they count closes and
 * violations, and which lines they have logged. Of a batch that brought a new word a few plays are kept, and mutated in
 * every later round. So all that is sent follows from the seed, but for those mutants, which follow from the seed and from
 * what the nodes have answered.
 */
export class Campaign {
  readonly #seen = new Set<string>();
  readonly #kept: Play[] = [];
  readonly #harm: string[] = [];
  #told = 0;
  readonly #stalls: string[] = [];
  #longestMs = STALL_MS;
  #rounds = 0;

  constructor(
    private readonly cluster: ClusterProcess,
    private readonly attacker: Attacker,
    private readonly seed: number,
    private readonly material: Material,
  ) {}

  /**
   * @param warmMs how old the process has to be before it is measured: a younger one has not compiled all that it will
   * @param around what happens around each round; none by default
   */
  async run(
    attacks: readonly Attack[],
    { ms, warmMs }: { readonly ms: number; readonly warmMs: number },
    around: Around = (round) => round(),
  ): Promise<Course> {
    const beganMs = performance.now();
    do await around(() => this.#round(attacks));
    while (performance.now() - beganMs < warmMs);
    await pause(CALM_MS);
    const start = await this.cluster.start();
    // Once at least, however slow the machine is: what is measured lies between the two.
    do await around(() => this.#round(attacks));
    while (performance.now() - beganMs < ms);
    await pause(CALM_MS);
    const finish = await this.cluster.finish();
    return {
      seed: this.seed,
      rounds: this.#rounds,
      start,
      finish,
      ranMs: performance.now() - beganMs,
      kept: this.#kept.length,
      words: [...this.#seen].toSorted(),
      harm: this.#harm,
      stalls: this.#stalls,
    };
  }

  async #round(attacks: readonly Attack[]): Promise<void> {
    const number = this.#rounds++;
    this.attacker.answers = answers(new Round(this.seed, number, 'answers'), this.material);
    const batch = (attack: Attack): Promise<void> =>
      this.#batch(playsOf(attack, this.seed, number), attack.atOnce);
    // What mostly waits does so beside the others.
    const slow = Promise.all(attacks.filter(({ isSlow }) => isSlow === true).map(batch));
    for (const attack of attacks) if (attack.isSlow !== true) await batch(attack);
    await slow;
    await this.#batch(this.#mutants(number));
  }

  async #batch(plays: readonly Play[], atOnce = AT_ONCE): Promise<void> {
    if (plays.length === 0) return;
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < plays.length) {
        const n = next++;
        await this.attacker.play(plays[n]!, n % 3);
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, plays.length) }, worker));
    const report = await this.cluster.report();
    if (this.#isNews(report)) this.#keep(plays);
    for (const line of report.told.slice(this.#told)) this.#harm.push(`${line}, after "${plays[0]!.attack}"`);
    this.#told = report.told.length;
    if (report.delays.maxMs <= this.#longestMs) return;
    this.#longestMs = report.delays.maxMs;
    this.#stalls.push(
      `${this.#longestMs.toFixed(0)} ms, in round ${this.#rounds} after "${plays[0]!.attack}"`,
    );
  }

  #isNews(report: Report): boolean {
    const before = this.#seen.size;
    for (const word of wordsOf(report)) this.#seen.add(word);
    return this.#seen.size > before;
  }

  #keep(plays: readonly Play[]): void {
    const step = Math.max(1, Math.floor(plays.length / KEPT_OF_BATCH));
    for (let n = 0; n < plays.length && this.#kept.length < MAX_KEPT; n += step)
      if (plays[n]!.pieces.length > 0) this.#kept.push(plays[n]!);
  }

  #mutants(number: number): Play[] {
    if (this.#kept.length === 0) return [];
    const round = new Round(this.seed, number, 'mutants');
    const change = fc.tuple(
      fc.nat(),
      fc.nat(),
      fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
      fc.nat(3),
    );
    const { clusterName } = this.material;
    const plays = round.draw(change, MUTANTS).map(([one, other, places, how]): Play => {
      const play = this.#kept[one % this.#kept.length]!;
      const donor = this.#kept[other % this.#kept.length]!;
      return {
        ...play,
        attack: 'mutants of what made a node say something new',
        pieces: mutated(play.pieces, donor.pieces, places, how),
      };
    });
    return plays.filter(({ pieces }) => !speaksAsMember(pieces, clusterName));
  }
}

/**
 * Whether somebody introduces himself as one of the three. Where nothing proves who speaks that is no attack from outside:
 * whoever knows a member's id can have its links (SECURITY.md). The insiders' catalogue has it, where messages may fail.
 */
function speaksAsMember(pieces: readonly Uint8Array[], clusterName: string): boolean {
  let first: Frame | undefined;
  try {
    new FrameSplitter((frame) => (first ??= frame)).push(Buffer.concat(pieces));
  } catch {
    // What follows the hello is no frame, perhaps; the hello counts.
  }
  const live: readonly string[] = [ID.target, ID.second, ID.third];
  return first?.type === 'hello' && first.clusterName === clusterName && live.includes(first.id);
}

/** What an attack sends in a round. */
export function playsOf(attack: Attack, seed: number, number: number): Play[] {
  return attack.plays(new Round(seed, number, attack.name)).map((play) => ({ ...play, attack: attack.name }));
}

/** The same for the same seed: of all that the first round sends, mutants left out. */
export function fingerprint(attacks: readonly Attack[], seed: number): string {
  const hash = createHash('sha256');
  for (const attack of attacks) {
    for (const { hello, pieces } of playsOf(attack, seed, 0)) {
      if (hello !== undefined) hash.update(hello.id + hello.purpose).update(hello.record);
      for (const piece of pieces) hash.update(piece);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

function wordsOf({ nodes, log }: Report): string[] {
  return [
    ...nodes.flatMap(({ stats }) => [
      ...Object.keys(stats.transport?.closedFor ?? {}).map((word) => `closed: ${word}`),
      ...Object.keys(stats.violations).map((word) => `violation: ${word}`),
    ]),
    ...Object.keys(log.words).map((line) => `log: ${line}`),
  ];
}

/** 0: flips · 1: another one's pieces in between · 2: a piece is cut · 3: a piece is said twice. */
function mutated(
  pieces: readonly Uint8Array[],
  donor: readonly Uint8Array[],
  places: readonly number[],
  how: number,
): Uint8Array[] {
  const changed: Uint8Array[] = pieces.map((piece) => Uint8Array.from(piece));
  for (const place of places) {
    const at = place % changed.length;
    const piece = changed[at]!;
    const inside = Math.floor(place / changed.length);
    if (how === 1) changed.splice(at, 0, donor[inside % donor.length]!);
    else if (how === 2) changed[at] = piece.subarray(0, inside % (piece.length + 1));
    else if (how === 3) changed.splice(at, 0, piece);
    else if (piece.length > 0) piece[inside % piece.length]! ^= 1 << (inside & 7);
  }
  return changed;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
