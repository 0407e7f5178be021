import { describe, expect, it } from '@jest/globals';
import { loopback } from '../../src/discovery/loopback.js';
import { InvalidOptionError } from '../../src/errors.js';

const signal = new AbortController().signal;

describe('loopback', () => {
  it('gives 127.0.0.1:7946 to 7977, and asks the node to listen in that range', async () => {
    const discovery = loopback();
    const found = await discovery.discoverNodes({ signal });
    expect(found).toHaveLength(32);
    expect(found[0]).toEqual({ host: '127.0.0.1', port: 7946 });
    expect(found[31]).toEqual({ host: '127.0.0.1', port: 7977 });
    expect(discovery).toMatchObject({ loopbackOnly: true, portRange: { first: 7946, last: 7977 } });
  });

  it('takes another range, down to a single port', async () => {
    expect(await loopback({ first: 9000, last: 9001 }).discoverNodes({ signal })).toEqual([
      { host: '127.0.0.1', port: 9000 },
      { host: '127.0.0.1', port: 9001 },
    ]);
    expect(await loopback({ first: 9000, last: 9000 }).discoverNodes({ signal })).toHaveLength(1);
  });

  it('has 32 ports from the first on when only that is given, and ends at 65535', () => {
    expect(loopback({ first: 9000 }).portRange).toEqual({ first: 9000, last: 9031 });
    expect(loopback({ first: 65530 }).portRange).toEqual({ first: 65530, last: 65535 });
  });

  it.each([
    [{ first: 0 }, 'loopback.first'],
    [{ first: 1.5 }, 'loopback.first'],
    [{ first: Number.NaN }, 'loopback.first'],
    [{ first: '7946' as unknown as number }, 'loopback.first'],
    [{ last: 65536 }, 'loopback.last'],
    [{ first: 9000, last: 8999 }, 'loopback.last'],
    [{ first: 9000, last: 9256 }, 'loopback.last'],
  ])('refuses %j and names the option', (options, option) => {
    expect(() => loopback(options)).toThrow(InvalidOptionError);
    expect(() => loopback(options)).toThrow(option);
  });
});
