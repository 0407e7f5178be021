import { describe, expect, it } from '@jest/globals';
import type { Address } from '../../src/address.js';
import { anyOf } from '../../src/discovery/composite.js';
import type { Discovery } from '../../src/discovery/discovery.js';
import { loopback } from '../../src/discovery/loopback.js';
import { seeds } from '../../src/discovery/static.js';
import { DiscoveryError, InvalidOptionError } from '../../src/errors.js';

const signal = new AbortController().signal;
const a: Address = { host: 'a', port: 1 };
const b: Address = { host: 'b', port: 2 };

function failing(name: string, message: string): Discovery {
  return { name, discoverNodes: () => Promise.reject(new Error(message)) };
}

describe('anyOf', () => {
  it('merges what several find, in their order and each address once', async () => {
    expect(await anyOf(seeds('a:1', 'b:2'), seeds('B:2', 'c:3')).discoverNodes({ signal })).toEqual([
      a,
      b,
      { host: 'c', port: 3 },
    ]);
  });

  it('gives what the others found when one fails, and tells which failed', async () => {
    const discovery = anyOf(failing('dns', 'no such name'), seeds('a:1'));
    expect(await discovery.discoverNodes({ signal })).toEqual([a]);
    expect(discovery.failures.map((failure) => failure.message)).toEqual(['dns: no such name']);
  });

  it('gives what the others found when one throws before it makes a promise', async () => {
    const broken: Discovery = {
      name: 'broken',
      discoverNodes: () => {
        throw new Error('at once');
      },
    };
    expect(await anyOf(broken, seeds('a:1')).discoverNodes({ signal })).toEqual([a]);
  });

  it('forgets a failure when the next look-around succeeds', async () => {
    let asked = 0;
    const flaky: Discovery = {
      name: 'flaky',
      discoverNodes: () => (asked++ === 0 ? Promise.reject(new Error('once')) : Promise.resolve([b])),
    };
    const discovery = anyOf(flaky, seeds('a:1'));
    await discovery.discoverNodes({ signal });
    expect(discovery.failures).toHaveLength(1);
    expect(await discovery.discoverNodes({ signal })).toEqual([b, a]);
    expect(discovery.failures).toEqual([]);
  });

  it('fails with every reason when all fail', async () => {
    const discovery = anyOf(failing('dns', 'no such name'), failing('consul', 'refused'));
    await expect(discovery.discoverNodes({ signal })).rejects.toThrow(DiscoveryError);
    await expect(discovery.discoverNodes({ signal })).rejects.toThrow('dns: no such name; consul: refused');
  });

  it('fails rather than say that there is nobody when one failed and the others found nothing', async () => {
    await expect(anyOf(failing('dns', 'timeout'), seeds()).discoverNodes({ signal })).rejects.toThrow(
      'dns: timeout',
    );
    expect(await anyOf(seeds(), seeds()).discoverNodes({ signal })).toEqual([]);
  });

  it('gives what is known when the signal aborts while one still hangs', async () => {
    const hanging: Discovery = { name: 'hanging', discoverNodes: () => new Promise(() => {}) };
    const abort = new AbortController();
    const answer = anyOf(hanging, seeds('a:1')).discoverNodes({ signal: abort.signal });
    abort.abort();
    expect(await answer).toEqual([a]);
  });

  it('listens on loopback only if all ask for it, and takes the first port range', () => {
    expect(anyOf(seeds('127.0.0.1:1'), loopback({ first: 9000, last: 9001 }))).toMatchObject({
      loopbackOnly: true,
      portRange: { first: 9000, last: 9001 },
    });
    expect(anyOf(loopback(), seeds('10.0.0.5')).loopbackOnly).toBe(false);
    expect(anyOf(seeds('10.0.0.5')).portRange).toBeUndefined();
  });

  it('closes all, also when one of them cannot be closed', async () => {
    const closed: string[] = [];
    const closing = (name: string, error?: Error): Discovery => ({
      name,
      discoverNodes: () => Promise.resolve([]),
      close: () => {
        closed.push(name);
        if (error) throw error;
      },
    });
    const discovery = anyOf(closing('one', new Error('stuck')), closing('two'), seeds());
    await expect(discovery.close?.()).rejects.toThrow(DiscoveryError);
    expect(closed).toEqual(['one', 'two']);
    await anyOf(closing('three'), seeds()).close?.();
    expect(closed).toContain('three');
  });

  it('refuses to be made of nothing', () => {
    expect(() => anyOf()).toThrow(InvalidOptionError);
  });
});
