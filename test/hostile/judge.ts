import type { Attacker } from './attacker.js';
import type { Course } from './campaign.js';
import type { Report } from './cluster-process.js';

/** What has to hold for a cluster beside hostile input. */
export interface Rules {
  /** RSS at the end, as a multiple of that after the warm-up. */
  readonly rssFactor: number;
  /** Of the event loop. */
  readonly p99Ms: number;
  /** Whether the three may suspect each other, as long as that is refuted. */
  readonly maySuspect: boolean;
  /** Whether messages may fail with an honest error. */
  readonly mayFail: boolean;
  /** Whether they may be made to take a new id, which is an error in the log. */
  readonly mayRename: boolean;
  /** Whether others than the three may be members at the end. */
  readonly mayHaveGuests: boolean;
  /** Whether each close for cause can be told from those of links that a newer one has fenced off. */
  readonly areClosesCounted: boolean;
  /** Lines of all nodes together, in a minute. */
  readonly linesPerMinute: number;
}

const RENAMED = 'This node takes a new id';

/** Nobody who is outside may be noticed at all. */
export const AGAINST_OUTSIDERS: Rules = {
  rssFactor: 1.2,
  p99Ms: 50,
  maySuspect: false,
  mayFail: false,
  mayRename: false,
  mayHaveGuests: false,
  areClosesCounted: true,
  linesPerMinute: 600,
};

/**
 * A member is believed, so it may make the three suspect each other and fence off each other's links, and take new ids,
 * by what it says of their addresses. It must not make them lose each other or a message. What it invents is bounded by
 * `swim.maxMembers` and the tombstones, not by the memory of the start: 1.5 of that is what this campaign's inventions may
 * cost.
 */
export const AGAINST_INSIDERS: Rules = {
  rssFactor: 1.5,
  p99Ms: 50,
  maySuspect: true,
  mayFail: true,
  mayRename: true,
  mayHaveGuests: true,
  areClosesCounted: false,
  linesPerMinute: 3000,
};

/** More sockets than these a node does not need for two others: both lanes, and a dial of each under way. */
const FRIENDLY_SOCKETS = 8;

/** What does not hold, in sentences; empty when all is well. */
export function problems({ start, finish, ranMs, harm }: Course, attacker: Attacker, rules: Rules): string[] {
  const { events, messages, requests, log, delays } = finish;
  const found: string[] = [...finish.strays, ...attacker.hangs];
  const check = (isRight: boolean, problem: string): void => {
    if (!isRight) found.push(problem);
  };
  check(events.unreachable === 0, `${events.unreachable} times a live node counted as unreachable`);
  check(events.left === 0, `${events.left} times a live node counted as left`);
  check(rules.maySuspect || events.suspected === 0, `${events.suspected} suspicions of live nodes`);
  if (events.unreachable + events.left > 0 || (!rules.maySuspect && events.suspected > 0))
    found.push(...harm.slice(0, 20));
  for (const { status, members, seesAll } of finish.nodes) {
    check(
      status === 'ready' && seesAll,
      `A node is ${status} and ${seesAll ? 'sees all' : 'does not see all'}`,
    );
    check(rules.mayHaveGuests || members === 3, `A node has ${members} members instead of 3`);
  }
  check(messages.doubled === 0, `${messages.doubled} messages came twice`);
  check(messages.unordered === 0, `${messages.unordered} messages came out of order`);
  check(messages.owed === 0, `${messages.owed} acknowledged messages never came`);
  check(messages.underway === 0, `${messages.underway} sends never settled`);
  check(messages.acknowledged > 0, 'No message was acknowledged');
  check(requests.wrong === 0, `${requests.wrong} requests had a wrong answer`);
  check(requests.underway === 0, `${requests.underway} requests never settled`);
  const failed = messages.refused + messages.uncertain + requests.failed;
  if (!rules.mayFail && failed > 0) found.push(`${failed} sends failed: ${JSON.stringify(finish.failures)}`);
  const errors = log.errors.filter((line) => !(rules.mayRename && line.includes(RENAMED)));
  check(errors.length === 0, `Errors in the log: ${errors.slice(0, 5).join(' · ')}`);
  const lines = log.lines / (ranMs / 60_000);
  // A short run has its first lines only, of which each is written.
  check(
    log.lines < 300 || lines < rules.linesPerMinute,
    `${Math.round(lines)} log lines in a minute: a flood`,
  );
  const limit = start.memory.rss * rules.rssFactor;
  check(
    finish.memory.rss <= limit,
    `RSS grew from ${start.memory.rss} to ${finish.memory.rss} MiB; ${limit.toFixed(1)} are allowed`,
  );
  check(delays.p99Ms < rules.p99Ms, `The event loop's delay has a p99 of ${delays.p99Ms.toFixed(1)} ms`);
  const counted = closes(finish);
  check(
    !rules.areClosesCounted || counted >= attacker.closedByNode,
    `${attacker.closedByNode} connections were closed by nodes, and ${counted} are counted`,
  );
  for (const { stats } of finish.nodes) {
    const sockets = stats.transport?.sockets ?? 0;
    check(rules.mayHaveGuests || sockets <= FRIENDLY_SOCKETS, `A node still holds ${sockets} sockets`);
  }
  // The process's own channel; and a lookup of an invented name under way, which nobody can stop.
  const handles = finish.handles.filter((kind) => kind !== 'PipeWrap' && kind !== 'GetAddrInfoReqWrap');
  check(handles.length === 0, `After closing there are handles: ${handles.join(', ')}`);
  check(finish.ended, 'The process did not end by itself');
  return found;
}

/** Closes for cause that the nodes have counted, in all. */
function closes({ nodes }: Report): number {
  let total = 0;
  for (const { stats } of nodes) {
    for (const counts of [stats.transport?.closedFor ?? {}, stats.violations])
      total += Object.values(counts).reduce((sum, count) => sum + count, 0);
  }
  return total;
}

/** What a campaign did and saw, for people. */
export function summary(
  title: string,
  { seed, rounds, start, finish, ranMs, kept, words, stalls }: Course,
  attacker: Attacker,
): string {
  const { messages, requests, events, delays, log } = finish;
  const cases = Object.values(attacker.cases).reduce((sum, count) => sum + count, 0);
  const byWord: Record<string, number> = {};
  for (const { stats } of finish.nodes) {
    for (const [word, count] of [
      ...Object.entries(stats.transport?.closedFor ?? {}),
      ...Object.entries(stats.violations).map(([name, n]) => [`violation ${name}`, n] as const),
    ])
      byWord[word] = (byWord[word] ?? 0) + count;
  }
  return [
    `${title}: seed ${seed}, ${cases} cases in ${rounds} rounds, ${(ranMs / 1000).toFixed(1)} s`,
    `  connections ${attacker.connections} (${attacker.handshakes} shook hands, ${attacker.closedByNode} closed by nodes, not opened: ${JSON.stringify(attacker.notConnected)}, ${attacker.dialledBack} dialled back), ${(attacker.bytesSent / 1024 / 1024).toFixed(1)} MiB sent`,
    `  closes ${JSON.stringify(byWord)}`,
    `  RSS ${start.memory.rss} → ${finish.memory.rss} MiB (heap ${start.memory.heap} → ${finish.memory.heap}, buffers ${start.memory.buffers} → ${finish.memory.buffers}), event loop p99 ${delays.p99Ms.toFixed(1)} ms, median and worst second ${delays.medianWindowMs.toFixed(1)} and ${delays.worstWindowMs.toFixed(1)} ms, max ${delays.maxMs.toFixed(1)} ms`,
    `  messages ${messages.acknowledged} acknowledged, ${messages.owed} lost, ${messages.doubled} doubled, ${messages.refused} refused, ${messages.uncertain} uncertain; requests ${requests.answered} answered, ${requests.failed} failed`,
    `  suspicions ${events.suspected}, recoveries ${events.recovered}, unreachable ${events.unreachable}, left ${events.left}, strangers joined ${events.strangersJoined}; ${log.lines} log lines; ${words.length} words seen, ${kept} inputs kept for mutation`,
    ...stalls.map((stall) => `  stall ${stall}`),
    ...Object.entries(attacker.cases).map(([attack, count]) => `  ${String(count).padStart(8)} ${attack}`),
  ].join('\n');
}
