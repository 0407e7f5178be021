import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { resolveOptions } from '../../src/cluster/validate-options.js';
import { resolveSwimOptions } from '../../src/membership/swim/options.js';

const text = readFileSync(new URL('../../docs/LIMITS.md', import.meta.url), 'utf8');
const tests = new URL('../', import.meta.url);

/** Where the rest of the tests that go over a bound are: a row's first cell, a file, and words of it. */
const boundsWithoutOption: readonly [bound: string, file: string, words: string][] = [
  ['frame of a handshake', 'limits/peers.test.ts', 'a handshake in a frame over 16 KiB'],
  ['cluster name', 'cluster/validate-options.test.ts', 'at most 255 bytes long'],
  ['node name', 'cluster/validate-options.test.ts', 'at most 255 bytes long'],
  ['name of a serializer', 'cluster/validate-options.test.ts', 'a name of 1 to 64 bytes'],
  ['record of a member', 'membership/swim/codec.test.ts', 'a record over 16 KiB'],
  ['reason of a health', 'membership/swim/codec.test.ts', 'a health reason over 256 bytes'],
  ['metadata of a peer', 'membership/swim/codec.test.ts', 'travels at the deepest level that is allowed'],
  ['metadata of this node', 'cluster/metadata.test.ts', 'nested deeper than 8 levels'],
  ['headers of a message', 'cluster/messaging/envelope.test.ts', 'refuses headers over their limits'],
  ['pattern', 'cluster/messaging/envelope.test.ts', 'at most 1024 bytes'],
  ['streams to a peer', 'cluster/messaging/envelope.test.ts', 'in one of 64 streams'],
  [
    'frames not acknowledged',
    'transport/session/outgoing-session.test.ts',
    'as many unacknowledged frames as it may have',
  ],
  ['message of the protocol', 'membership/swim/codec.test.ts', 'too-many-values'],
  ['updates of a message', 'membership/swim/codec.test.ts', '257 updates'],
  ['incarnation', 'membership/swim/suspicions.test.ts', 'end at the ceiling, where the node takes a new id'],
  ['errors that wait for a reader of `errors`', 'limits/callers.test.ts', 'that are 256 errors behind'],
  [
    "addresses that are tried of a discovery's answer",
    'cluster/joiner.test.ts',
    'tries any 1,024 of more addresses',
  ],
  ['names of hosts that are remembered', 'transport/tcp/name-resolver.test.ts', 'are remembered up to 1,024'],
  ['names that are looked up at once', 'transport/tcp/name-resolver.test.ts', 'are looked up two at a time'],
  [
    'names that wait to be looked up',
    'transport/tcp/name-resolver.test.ts',
    'wait for their lookup up to 1,024',
  ],
  [
    'members with a history for `explain(id)`',
    'cluster/member-history.test.ts',
    'is bounded: of 4,096 members, those that were heard of last',
  ],
  [
    'members that have left, to be told of once',
    'cluster/event-continuity.test.ts',
    'remember the last 4,096 members that have left',
  ],
  ['strangers who are asked who they are', 'membership/swim/strangers.test.ts', 'at most 64 strangers'],
  [
    "dials that joiners' wrong addresses cause",
    'membership/swim/strangers.test.ts',
    'failed dial-backs keep their places, 16 a second in all',
  ],
  [
    'direct answers to one peer in a gossip interval',
    'membership/swim/who-may-say-what.test.ts',
    'in one frame are answered by a few frames, not by one each',
  ],
  [
    'news with acks to one member',
    'membership/swim/who-may-say-what.test.ts',
    'who pings in a loop gets it once a gossip interval',
  ],
  ['refutations', 'simulation/insiders.test.ts', 'an insider that suspects everybody at line rate'],
  [
    'requests for a new id',
    'membership/swim/who-may-say-what.test.ts',
    'about this node makes it ask for a new id once an interval',
  ],
  [
    'time of one exchange of pages',
    'membership/swim/sync.test.ts',
    'are given up after the time of 15 timeouts',
  ],
  ['secrets of a node', 'cluster/validate-options.test.ts', 'must be an array of 1 to 8 secrets'],
  ['file with certificates or a key', 'cluster/security/certificates.test.ts', 'a file over 1 MiB'],
  ['lines of the log about one thing', 'throttled-log.test.ts', 'after ten seconds again'],
  ['things that the log counts so', 'throttled-log.test.ts', 'for the last 256 subjects'],
  [
    'streams of replies that a `ClusterServer` has open',
    'nestjs/microservices/streams.test.ts',
    'are 2 of streams.open at most',
  ],
  [
    'values of such a stream that wait for their reader',
    'nestjs/microservices/streams.test.ts',
    'more than streams.bufferedValues behind',
  ],
  [
    'values of such a stream that travel together',
    'nestjs/microservices/streams.test.ts',
    'shares values out by streams.batchBytes',
  ],
  [
    'such a stream whose reader does not ask for more',
    'nestjs/microservices/streams.test.ts',
    'given up when nobody has asked for more for streams.idleMs',
  ],
  [
    'patterns whose turns `requestAny` remembers',
    'cluster/messaging/rotation.test.ts',
    'the pattern that began first beyond 1,024',
  ],
];

/** Rows of the tables below a heading: their cells. */
function rowsBelow(heading: string): string[][] {
  const section = text.split(/^## /m).find((each) => each.startsWith(heading)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Options of a kind with the default that the document gives them. */
function documented(kind: 'limits' | 'swim'): Map<string, string> {
  const rows = [...text.matchAll(new RegExp(`^\\| *\`${kind}\\.(\\w+)\` *\\| *([^|]+?) *\\|`, 'gm'))];
  return new Map(rows.map((match) => [match[1]!, match[2]!]));
}

/** A bound as the document writes it, by the unit in its name. */
function written(name: string, value: number): string {
  if (name.endsWith('Ms')) return `${value.toLocaleString('en-US')} ms`;
  if (!name.endsWith('Bytes')) return value.toLocaleString('en-US');
  if (value % 2 ** 20 === 0) return `${value / 2 ** 20} MiB`;
  return value % 2 ** 10 === 0 ? `${value / 2 ** 10} KiB` : `${value.toLocaleString('en-US')} bytes`;
}

/** What the tests say of their behaviour: everything in quotes, but for this file. */
function titles(): string {
  const files = readdirSync(tests, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.test.ts') && !file.startsWith('docs'))
    .flatMap((file) => readFileSync(new URL(file, tests), 'utf8').match(/'[^'\n]*'/g) ?? [])
    .join('\n');
}

describe('docs/LIMITS.md', () => {
  it('has every limit with its default, and no other', () => {
    const limits = Object.entries(resolveOptions({ enabled: false }).limits);
    const expected = limits.map(([name, value]) => [name, written(name, value)] as const);
    expect(Object.fromEntries(documented('limits'))).toEqual(Object.fromEntries(expected));
  });

  it('has every bound of the protocol with its default', () => {
    const swim = resolveSwimOptions();
    const rows = documented('swim');
    const bounds = Object.keys(swim).filter((name) => name.startsWith('max') && name !== 'maxLocalHealth');
    for (const name of bounds.filter((each) => !each.endsWith('SpacingMs'))) {
      expect([...rows.keys()]).toContain(name);
    }
    for (const [name, value] of rows) {
      expect([name, value]).toEqual([name, written(name, swim[name as keyof typeof swim] as number)]);
    }
  });

  it('has no option that no test goes over, by the name in its title', () => {
    const said = titles();
    const options = (['limits', 'swim'] as const).flatMap((kind) =>
      [...documented(kind).keys()].map((name) => `${kind}.${name}`),
    );
    expect(options.length).toBeGreaterThan(40);
    const untested = options.filter((option) => !new RegExp(`'[^'\n]*${option}\\b`).test(said));
    expect(untested).toEqual([]);
  });

  it('has no other bound that no test goes over', () => {
    const rows = [...rowsBelow('Part of the wire format'), ...rowsBelow('Fixed')].map(([bound]) => bound);
    expect(rows).toEqual(boundsWithoutOption.map(([bound]) => bound));
    for (const [bound, file, words] of boundsWithoutOption) {
      const said = readFileSync(new URL(file, tests), 'utf8');
      expect([bound, said.includes(words)]).toEqual([bound, true]);
    }
  });
});
