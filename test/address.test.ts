import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import {
  formatAddress,
  isAddress,
  isIpLiteral,
  isLoopbackHost,
  isUnspecifiedHost,
  parseAddress,
  sameAddress,
} from '../src/address.js';
import { InvalidAddressError } from '../src/errors.js';

const port = fc.integer({ min: 1, max: 65535 });
const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());

describe('an address', () => {
  it.each([
    ['10.0.0.5:7946', { host: '10.0.0.5', port: 7946 }],
    ['db-1.example.org:1', { host: 'db-1.example.org', port: 1 }],
    ['node_1:65535', { host: 'node_1', port: 65535 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:7946', { host: '::1', port: 7946 }],
    ['[fe80::1%eth0]:7946', { host: 'fe80::1%eth0', port: 7946 }],
    ['[::ffff:10.0.0.1]:80', { host: '::ffff:10.0.0.1', port: 80 }],
  ])('is read from %s', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });

  it.each([
    ['10.0.0.5', { host: '10.0.0.5', port: 7946 }],
    ['example.org', { host: 'example.org', port: 7946 }],
    ['::1', { host: '::1', port: 7946 }],
    ['[::1]', { host: '::1', port: 7946 }],
    ['10.0.0.5:80', { host: '10.0.0.5', port: 80 }],
  ])('gets the default port in %s, if there is none', (text, address) => {
    expect(parseAddress(text, 7946)).toEqual(address);
  });

  it.each([
    '',
    ':',
    ':80',
    'host',
    'host:',
    'host:65536',
    'host:-1',
    'host:1.5',
    'host:80x',
    'host:0x50',
    'ho st:80',
    '-host:80',
    'http://host:80',
    'host/path:80',
    'user@host:80',
    '[::1:80',
    '::1]:80',
    '[]:80',
    '[host]x:80',
    '::1',
    `${'x'.repeat(254)}:80`,
    'host\n:80',
    'host:80\n',
  ])('is not read from %j', (text) => {
    expect(() => parseAddress(text)).toThrow(InvalidAddressError);
  });

  it('comes back from its text', () => {
    fc.assert(
      fc.property(host, port, (name, number) => {
        const address = { host: name, port: number };
        expect(parseAddress(formatAddress(address))).toEqual(address);
        expect(isAddress(address)).toBe(true);
      }),
    );
  });

  it('never leads to anything but an address or InvalidAddressError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[[\]:.0-9a-f%]*$/)), (text) => {
        try {
          const address = parseAddress(text, 1);
          expect(address.host.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidAddressError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is the same whatever the case of the host name', () => {
    expect(sameAddress({ host: 'Example.org', port: 1 }, { host: 'example.ORG', port: 1 })).toBe(true);
    expect(sameAddress({ host: 'example.org', port: 1 }, { host: 'example.org', port: 2 })).toBe(false);
    expect(sameAddress({ host: 'example.org', port: 1 }, { host: 'example.com', port: 1 })).toBe(false);
  });

  it.each([
    undefined,
    null,
    'host:1',
    {},
    { host: 'a' },
    { host: 'a', port: 0 },
    { host: 'a', port: '1' },
    { host: 7, port: 1 },
  ])('is not %p, when it comes from outside', (value) => expect(isAddress(value)).toBe(false));
});

describe('a host', () => {
  it.each(['1.2.3.4', '255.255.255.255', '::', '::1', 'fe80::1%eth0', '2001:db8::ff'])(
    '%s is an IP literal',
    (literal) => {
      expect(isIpLiteral(literal)).toBe(true);
    },
  );

  it.each(['1.2.3', '1.2.3.256', '1.2.3.4.5', 'a', 'localhost', ''])('%j is not', (name) => {
    expect(isIpLiteral(name)).toBe(false);
  });

  it.each(['127.0.0.1', '127.9.9.9', '::1', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1'])(
    '%s is this machine',
    (name) => {
      expect(isLoopbackHost(name)).toBe(true);
    },
  );

  it.each(['128.0.0.1', '10.0.0.1', '::2', 'example.org', '127.example.org', '0.0.0.0'])(
    '%s is another',
    (name) => {
      expect(isLoopbackHost(name)).toBe(false);
    },
  );

  it('0.0.0.0 and :: mean every interface', () => {
    expect(['0.0.0.0', '::', '::1', '1.2.3.4'].map(isUnspecifiedHost)).toEqual([true, true, false, false]);
  });
});
