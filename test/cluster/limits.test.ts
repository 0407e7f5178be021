import { describe, expect, it } from '@jest/globals';
import { limitsOfTransport, resolveLimits, type ClusterLimits } from '../../src/cluster/limits.js';
import { resolveOptions } from '../../src/cluster/validate-options.js';
import { InvalidOptionError } from '../../src/errors.js';
import { resolveSwimOptions } from '../../src/membership/swim/options.js';
import { DEFAULT_DEADLINES, DEFAULT_LIMITS } from '../../src/transport/session/limits.js';
import { DEFAULT_TCP_LIMITS } from '../../src/transport/tcp/tcp-options.js';

const KiB = 1024;

/** The default of each limit. */
const defaults = resolveOptions({ enabled: false }).limits;

function resolve(limits: Partial<ClusterLimits>): ClusterLimits {
  return resolveLimits(limits, resolveSwimOptions());
}

describe('limits', () => {
  it('reach the sessions and the sockets, each by its name', () => {
    const given = Object.fromEntries(
      Object.entries(defaults).map(([name, value]) => [name, name === 'chunkBytes' ? value - 1 : value + 1]),
    ) as unknown as ClusterLimits;
    const { limits, deadlines, tcp } = limitsOfTransport(given, 500);
    for (const [passed, names] of [
      [limits, Object.keys(DEFAULT_LIMITS)],
      [tcp.limits, Object.keys(DEFAULT_TCP_LIMITS)],
      [deadlines, ['connectMs', 'handshakeMs', 'idleMs', 'routeMs']],
    ] as const) {
      for (const name of names)
        expect([name, passed[name as keyof typeof passed]]).toEqual([
          name,
          given[name as keyof ClusterLimits],
        ]);
    }
    expect(Object.keys(deadlines).filter((name) => !(name in DEFAULT_DEADLINES))).toEqual([]);
  });

  it('are the same by default as those of a transport that is used alone', () => {
    expect(defaults).toMatchObject({ ...DEFAULT_LIMITS, ...DEFAULT_TCP_LIMITS });
  });

  it('of time follow the time that a probe waits', () => {
    expect(resolveOptions({ preset: 'wan' }).limits).toMatchObject({ connectMs: 3000, handshakeMs: 3000 });
    const given = resolveOptions({ preset: 'wan', limits: { connectMs: 10 } }).limits;
    expect(given).toMatchObject({ connectMs: 10, handshakeMs: 3000 });
  });

  it('that are not given make way for a lower one that is', () => {
    expect(resolve({ connections: 100 })).toMatchObject({
      protocolLinks: 25,
      payloadLinks: 37,
      unauthenticatedConnections: 100,
      unauthenticatedPerAddress: 64,
    });
    expect(resolve({ unauthenticatedConnections: 8 })).toMatchObject({ unauthenticatedPerAddress: 8 });
    expect(resolve({ connections: 4 })).toMatchObject({ protocolLinks: 1, payloadLinks: 1 });
  });

  it.each<[Partial<ClusterLimits>, string, string]>([
    [
      { connections: 100, unauthenticatedConnections: 101 },
      'unauthenticatedConnections',
      'at most limits.connections (100)',
    ],
    [
      { unauthenticatedPerAddress: 257 },
      'unauthenticatedPerAddress',
      'at most limits.unauthenticatedConnections (256)',
    ],
    [{ windowBytes: 100_000 }, 'windowBytes', 'at least limits.chunkBytes (262144)'],
    [
      { protocolLinks: 2000 },
      'connections',
      'twice limits.protocolLinks and limits.payloadLinks together (4512)',
    ],
  ])('that contradict each other stop the start: %j', (limits, name, allowed) => {
    expect(() => resolve(limits)).toThrow(InvalidOptionError);
    expect(() => resolve(limits)).toThrow(`limits.${name}`);
    expect(() => resolve(limits)).toThrow(allowed);
  });

  it('fit the messages of the protocol', () => {
    const swim = { maxPageBytes: 300 * KiB };
    expect(() => resolveOptions({ swim })).toThrow(/limits\.protocolFrameBytes.* is 262144, but must be/);
    resolveOptions({ swim, limits: { protocolFrameBytes: 512 * KiB } });
  });

  it.each([
    [{ chunkBytes: 4095 }, 'must be at least 4096'],
    [{ chunkBytes: 262_145 }, 'must be at most 262144'],
    [{ valueDepth: 513 }, 'must be at most 512'],
    [{ connections: 3 }, 'must be at least 4'],
    [{ bufferedBytes: 1000 }, 'must be at least 1048576'],
    [{ protocolFrameBytes: 1000 }, 'must be at least 65536'],
    [{ idleMs: 0 }, 'must be at least 1'],
    [{ handshakeMs: 2 ** 31 }, 'must be at most 2147483647'],
    [{ values: 1.5 }, 'must be a positive integer'],
    [{ windowMessages: Number.NaN }, 'limits.windowMessages'],
  ])('have a range each: %j', (limits, allowed) => {
    expect(() => resolveOptions({ limits })).toThrow(allowed);
  });
});
