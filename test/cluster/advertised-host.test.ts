import { describe, expect, it } from '@jest/globals';
import type { NetworkInterfaceInfo } from 'node:os';
import { hostToAdvertise } from '../../src/cluster/advertised-host.js';

const ip = (address: string, internal = false): NetworkInterfaceInfo =>
  ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo;

const machine = {
  lo: [ip('127.0.0.1', true), ip('::1', true)],
  eth0: [ip('169.254.1.1'), ip('10.0.0.5'), ip('fe80::1'), ip('2001:db8::5')],
};

describe('the host that a node advertises', () => {
  it('is left to the listener when that has one address', () => {
    expect(hostToAdvertise('10.0.0.9', machine)).toBeUndefined();
    expect(hostToAdvertise('127.0.0.1', machine)).toBeUndefined();
  });

  it('is an address of this machine that others can dial when it listens on all', () => {
    expect(hostToAdvertise('0.0.0.0', machine)).toBe('10.0.0.5');
    expect(hostToAdvertise('::', machine)).toBe('2001:db8::5');
    expect(hostToAdvertise('::', { eth0: [ip('10.0.0.5')] })).toBe('10.0.0.5');
  });

  it('is unknown on a machine that has no address others could dial', () => {
    expect(hostToAdvertise('0.0.0.0', { lo: machine.lo })).toBeUndefined();
    expect(hostToAdvertise('0.0.0.0', { eth0: [ip('2001:db8::5')] })).toBeUndefined();
  });
});
