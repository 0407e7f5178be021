import { afterEach, describe, expect, it } from '@jest/globals';
import { ProtocolViolationError } from '../../../src/errors.js';
import { ConnectionLimits, networkOf } from '../../../src/transport/tcp/connection-limits.js';
import { DEFAULT_TCP_LIMITS, type TcpLimits } from '../../../src/transport/tcp/tcp-options.js';
import { Acceptor } from '../recording-handler.js';
import { ANY_PORT, closeLinks, dial, fail, links, listen, pair, turn } from './tcp-pairs.js';

afterEach(closeLinks);

describe('handles', () => {
  it('keep the process alive unless told otherwise, those to come included', async () => {
    const before = await quiet();
    const { here, server, client } = await pair();
    expect(handlesAlive() - before).toBe(3);
    for (const side of [server, client]) side.unref();
    const acceptor = new Acceptor();
    const listener = await server.listen(ANY_PORT, acceptor.accept, fail);
    await dial(client, listener.address);
    await acceptor.nth(0);
    expect(handlesAlive() - before).toBe(0);
    for (const side of [server, client]) side.ref();
    expect(handlesAlive() - before).toBe(6);
    expect(here.isClosed).toBe(false);
  });

  it('are all gone when close resolves', async () => {
    const before = await quiet();
    const { server, client } = await pair();
    client.dial({ host: '127.0.0.1', port: 1 }, 1000, { opened: fail as never, failed: fail });
    await Promise.all([server.close(), client.close()]);
    expect(handlesAlive() - before).toBe(0);
  });
});

describe('limits on connections', () => {
  it.each<[string, Partial<TcpLimits>]>([
    ['too-many-from-address', { unauthenticatedPerAddress: 2 }],
    ['too-many-unauthenticated', { unauthenticatedConnections: 2 }],
    ['too-many-connections', { connections: 2 }],
  ])('%s: one more is closed, and its handler told', async (violation, limits) => {
    const { listener, acceptor } = await listen({ limits });
    const client = links();
    for (let i = 0; i < 3; i++) await dial(client, listener.address);
    const third = await acceptor.nth(2);
    await third.until(() => third.isClosed);
    expect(third.error).toBeInstanceOf(ProtocolViolationError);
    expect(third.error).toMatchObject({ violation });
    expect(acceptor.handlers.slice(0, 2).map((handler) => handler.isClosed)).toEqual([false, false]);
  });

  it('an established link, and one that is gone, make room', async () => {
    const { listener, acceptor } = await listen({ limits: { unauthenticatedPerAddress: 1 } });
    const client = links();
    await dial(client, listener.address);
    (await acceptor.nth(0)).link.established();
    const second = (await dial(client, listener.address)).link!;
    second.link.destroy();
    const gone = await acceptor.nth(1);
    await gone.until(() => gone.isClosed);
    await dial(client, listener.address);
    await turn();
    expect((await acceptor.nth(2)).isClosed).toBe(false);
  });

  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('limits.unauthenticatedPerAddress counts %s for %s', (ip, network) => {
    expect(networkOf(ip)).toBe(network);
    const counted = new ConnectionLimits({ ...DEFAULT_TCP_LIMITS, unauthenticatedPerAddress: 1 });
    const leave = counted.enter(ip);
    expect(counted.objection(ip.replace(/::1/, '::2'), 1) !== undefined).toBe(true);
    leave();
    expect(counted.objection(ip, 1)).toBeUndefined();
  });

  it('this node does not dial over its own limit', async () => {
    const { listener } = await listen();
    const client = links({ limits: { connections: 1 } });
    await dial(client, listener.address);
    expect((await dial(client, listener.address)).failed).toBe('local');
  });
});

/** Sockets and servers that keep this process alive. */
function handlesAlive(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP')).length;
}

/** Waits until sockets of earlier tests are gone. */
async function quiet(): Promise<number> {
  for (let i = 0; i < 100 && handlesAlive() > 0; i++) await turn();
  return handlesAlive();
}
