import { networkInterfaces } from 'node:os';
import { tcpFixture } from '../../compliance/tcp-fixture.js';
import { describeTransport } from '../../compliance/transport-compliance.js';

describeTransport('TCP over IPv4', () => tcpFixture('127.0.0.1'));

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some((entry) => entry.address === '::1'),
);
if (hasIpv6) describeTransport('TCP over IPv6', () => tcpFixture('::1'));
