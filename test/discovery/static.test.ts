import { describe, expect, it } from '@jest/globals';
import { seeds } from '../../src/discovery/static.js';
import { InvalidAddressError } from '../../src/errors.js';

const signal = new AbortController().signal;

describe('seeds', () => {
  it('gives its addresses in the order written, IPv4, IPv6 and names alike', async () => {
    expect(
      await seeds('10.0.0.5:7001', '[fd00::7]:7002', 'db.internal:7003').discoverNodes({ signal }),
    ).toEqual([
      { host: '10.0.0.5', port: 7001 },
      { host: 'fd00::7', port: 7002 },
      { host: 'db.internal', port: 7003 },
    ]);
  });

  it('takes port 7946 where none is written', async () => {
    expect(await seeds('10.0.0.5', '[::1]', 'fd00::7', 'db').discoverNodes({ signal })).toEqual([
      { host: '10.0.0.5', port: 7946 },
      { host: '::1', port: 7946 },
      { host: 'fd00::7', port: 7946 },
      { host: 'db', port: 7946 },
    ]);
  });

  it('takes a list as well as single texts, and ignores space around them', async () => {
    expect(await seeds(['a:1', ' b:2 '], 'c:3').discoverNodes({ signal })).toEqual([
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
      { host: 'c', port: 3 },
    ]);
  });

  it('gives an address once, however often it is written', async () => {
    expect(await seeds('a:1', 'A:1', 'a:2', 'a:1').discoverNodes({ signal })).toEqual([
      { host: 'a', port: 1 },
      { host: 'a', port: 2 },
    ]);
  });

  it('finds nobody when it was given nothing', async () => {
    expect(await seeds().discoverNodes({ signal })).toEqual([]);
    expect(await seeds([]).discoverNodes({ signal })).toEqual([]);
  });

  it.each(['', ' ', ':7946', 'a:0', 'a:65536', 'a:-1', 'a:b', 'a b:1', '[::1', 'a:1,b:2', 'http://a:1'])(
    'refuses %j and says what an address looks like',
    (text) => {
      expect(() => seeds('10.0.0.5:7946', text)).toThrow(InvalidAddressError);
      expect(() => seeds(text)).toThrow(/host:port/);
    },
  );

  it('refuses what is not a text at all, such as an unset environment variable', () => {
    expect(() => seeds(undefined as unknown as string)).toThrow(InvalidAddressError);
    expect(() => seeds(7946 as unknown as string)).toThrow(InvalidAddressError);
  });

  it('asks for loopback only when every seed is on this machine', () => {
    expect(seeds('127.0.0.1:1', '[::1]:2', 'localhost:3').loopbackOnly).toBe(true);
    expect(seeds('127.0.0.1:1', '10.0.0.5:2').loopbackOnly).toBe(false);
  });
});
