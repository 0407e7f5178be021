import { connect, createServer, Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from '@jest/globals';
import { BindError } from '../../../src/errors.js';
import type { DataFrame } from '../../../src/transport/session/frame.js';
import type { Lookup } from '../../../src/transport/tcp/name-resolver.js';
import { Acceptor, RecordingHandler } from '../recording-handler.js';
import { EXAMPLES } from '../session/frames.js';
import { ANY_PORT, closeLinks, dial, fail, links, listen, pair, turn } from './tcp-pairs.js';

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some((entry) => entry.address === '::1'),
);

const cleanups: (() => void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  await closeLinks();
});

describe('listening', () => {
  it('a port in use is told with the port and what to do', async () => {
    const { listener } = await listen();
    const again = listen({ endpoint: listener.address });
    await expect(again).rejects.toThrow(BindError);
    await expect(again).rejects.toThrow(`port ${listener.address.port} is in use by another process`);
  });

  it('an address of another machine is told, and so is a name that does not resolve', async () => {
    await expect(listen({ endpoint: { host: '203.0.113.1', port: 0 } })).rejects.toThrow(
      /no address 203\.0\.113\.1.*"host"/,
    );
    await expect(listen({ endpoint: { host: 'no-such-name.invalid', port: 0 } })).rejects.toThrow(
      /does not resolve/,
    );
  });

  it('a port is free again when its listener was closed, though links live on', async () => {
    const { listener, acceptor } = await listen();
    const { link } = await dial(links(), listener.address);
    await acceptor.nth(0);
    await listener.close();
    await listen({ endpoint: listener.address });
    expect(link!.isClosed).toBe(false);
  });

  (hasIpv6 ? it : it.skip)('works with IPv6, and the remote side is written with brackets', async () => {
    const { listener, acceptor } = await listen({ endpoint: { host: '::1', port: 0 } });
    const { link } = await dial(links(), listener.address);
    expect(link!.link.remote).toBe(`[::1]:${listener.address.port}`);
    expect((await acceptor.nth(0)).link.remote).toMatch(/^\[::1\]:\d+$/);
  });

  it('works with a host name', async () => {
    const { listener } = await listen({ endpoint: { host: 'localhost', port: 0 } });
    const { link } = await dial(links(), { host: 'localhost', port: listener.address.port });
    expect(link).toBeDefined();
  });
});

describe('dialling', () => {
  it('a port where nobody listens refuses', async () => {
    const { listener } = await listen();
    await listener.close();
    expect((await dial(links(), listener.address)).failed).toBe('refused');
  });

  it('a dial that nobody answers is silent after its deadline', async () => {
    const started = performance.now();
    const { failed, error } = await dial(
      links({ connect: unanswered }),
      { host: '127.0.0.1', port: 7946 },
      100,
    );
    expect(failed).toBe('silent');
    expect(String(error)).toMatch(/no answer within 100 ms/);
    expect(performance.now() - started).toBeGreaterThanOrEqual(99);
  });

  it('"every interface" cannot be dialled', async () => {
    expect((await dial(links(), { host: '0.0.0.0', port: 7946 })).failed).toBe('silent');
  });

  it('a name that does not resolve is silent', async () => {
    const lookup: Lookup = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
    const { failed, error } = await dial(links({ lookup }), { host: 'gone.test', port: 7946 });
    expect(failed).toBe('silent');
    expect(String(error)).toMatch(/gone\.test:7946.*does not resolve \(ENOTFOUND\)/);
  });

  it('the addresses of a name are tried in turn, and a name refuses only if all of them do', async () => {
    const { listener } = await listen({ endpoint: { host: '127.0.0.2', port: 0 } });
    const { port } = listener.address;
    const lookup: Lookup = () => Promise.resolve(['127.0.0.3', '127.0.0.2']);
    const client = links({ lookup });
    const { link } = await dial(client, { host: 'two.test', port });
    expect(link!.link.remote).toBe(`127.0.0.2:${port}`);
    await listener.close();
    expect((await dial(client, { host: 'two.test', port })).failed).toBe('refused');
  });

  it('a cancelled dial tells nothing, and leaves nothing', async () => {
    const { listener } = await listen();
    const client = links();
    let told = 0;
    const { cancel } = client.dial(listener.address, 1000, {
      opened: (link) => (told++, new RecordingHandler(link)),
      failed: () => told++,
    });
    cancel();
    await client.close();
    expect(told).toBe(0);
  });

  it('a socket that was connected to itself is silence', async () => {
    const port = await ephemeralPortWithoutListener();
    const toItself = (host: string) => connect({ host, port, localAddress: host, localPort: port });
    const { failed, error } = await dial(links({ connect: toItself }), { host: '127.0.0.1', port });
    expect(failed).toBe('silent');
    expect(String(error)).toMatch(/with itself/);
  });
});

describe('frames', () => {
  it('arrive in order, whole, in both directions', async () => {
    const { here, there } = await pair();
    for (const frame of Object.values(EXAMPLES)) here.link.send(frame);
    for (const frame of Object.values(EXAMPLES)) there.link.send(frame);
    await Promise.all([here, there].map((end) => end.until(() => end.frames.length === 12)));
    expect(here.frames).toEqual(Object.values(EXAMPLES));
    expect(there.frames).toEqual(Object.values(EXAMPLES));
  });

  it('of one turn leave in few writes, and one read ends in one batchEnd', async () => {
    const { here, there } = await pair();
    for (let i = 0; i < 1000; i++) here.link.send(EXAMPLES.ack);
    await there.until(() => there.frames.length === 1000);
    expect(there.calls.filter((call) => call === 'batchEnd').length).toBeLessThan(5);
  });

  it('on a quiet link a frame reaches the kernel at once', async () => {
    const { here } = await pair();
    here.link.send(EXAMPLES.ack);
    expect(here.link.flushedFrames).toBe(1);
    here.link.send(EXAMPLES.ack);
    expect(here.link.flushedFrames).toBe(1);
  });

  it('large chunks, small frames between them, keep their order and contents', async () => {
    const { here, there } = await pair();
    const sent = [100, 300, 16_384, 20_000, 262_144, 1, 65_536, 0, 200_000].map((size, seq) =>
      data(seq, size),
    );
    for (const frame of sent) {
      here.link.send(frame);
      here.link.send({ type: 'ack', expected: frame.seq });
    }
    await there.until(() => there.frames.length === sent.length * 2);
    const got = there.frames.filter((frame): frame is DataFrame => frame.type === 'data');
    expect(got.map((frame) => Buffer.compare(frame.chunk, sent[frame.seq]!.chunk))).toEqual(
      sent.map(() => 0),
    );
    expect(there.frames.map((frame) => (frame.type === 'ack' ? frame.expected : frame.type))).toEqual(
      sent.flatMap((_, i) => ['data', i]),
    );
  });

  it('wait beyond 256 KiB: send says so, drained says when to go on, control frames pass', async () => {
    const { here, there } = await pair();
    stopReading(there);
    let seq = 0;
    while (here.link.send(data(seq, 65_536))) {
      seq++;
      await turn();
    }
    expect(here.link.bufferedBytes).toBeGreaterThan(256 * 1024);
    expect(here.link.flushedFrames).toBeLessThan(seq + 1);
    here.link.send(EXAMPLES.ack);
    expect(here.calls).not.toContain('drained');
    goOnReading(there);
    await there.until(() => there.frames.at(-1)?.type === 'ack');
    await here.until(() => here.calls.includes('drained'));
    expect(here.link.flushedFrames).toBe(seq + 2);
    expect(here.link.bufferedBytes).toBe(0);
  });

  it('are read about 256 KiB a turn, though more is there, so that other links have their turn', async () => {
    const { here, there } = await pair();
    stopReading(there);
    const sent = 32;
    for (let seq = 0; seq < sent; seq++) {
      here.link.send(data(seq, 65_536));
      await turn();
    }
    const perTurn: number[] = [];
    goOnReading(there);
    for (let seen = 0; seen < sent; await turn()) {
      perTurn.push(there.frames.length - seen);
      seen = there.frames.length;
    }
    expect(Math.max(...perTurn)).toBeGreaterThan(0);
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(6);
    expect(there.frames.map((frame) => (frame.type === 'data' ? frame.seq : -1))).toEqual([
      ...new Array(sent).keys(),
    ]);
  });

  it('a link on which too much waits is closed for it', async () => {
    const { here, there } = await pair({ limits: { bufferedBytes: 1024 * 1024 } });
    stopReading(there);
    for (let seq = 0; !here.isClosed && seq < 1000; seq++) {
      here.link.send(data(seq, 65_536));
      await turn();
    }
    expect(here.error).toMatchObject({ violation: 'write-buffer' });
  });

  it('longer than the limit in force close the link', async () => {
    const { here, there } = await pair();
    there.link.allowFrames(16 * 1024);
    here.link.send({ type: 'protocol', body: new Uint8Array(20_000) });
    await there.until(() => there.isClosed);
    expect(there.error).toMatchObject({ violation: 'frame-too-long' });
  });

  it('a handler that throws loses its link and nothing else', async () => {
    const { here, there } = await pair();
    there.frame = () => {
      throw new TypeError('defect');
    };
    here.link.send(EXAMPLES.ack);
    await Promise.all([here, there].map((end) => end.until(() => end.isClosed)));
    expect(there.error).toBeInstanceOf(TypeError);
  });
});

describe('the end of a link', () => {
  it('end: what is queued arrives, then both sides close cleanly', async () => {
    const { here, there } = await pair();
    for (let seq = 0; seq < 5; seq++) here.link.send(data(seq, 100_000));
    here.link.end();
    expect(here.link.send(EXAMPLES.ack)).toBe(true);
    await Promise.all([here, there].map((end) => end.until(() => end.isClosed)));
    expect(there.frames).toHaveLength(5);
    expect([here.error, there.error]).toEqual([undefined, undefined]);
    expect(there.calls.at(-1)).toBe('closed');
  });

  it('end: a side that does not follow is cut off after a second', async () => {
    const acceptor = new Acceptor();
    const listener = await links().listen(ANY_PORT, acceptor.accept, fail);
    const socket = connect({ port: listener.address.port, host: '127.0.0.1', allowHalfOpen: true });
    cleanups.push(() => socket.destroy());
    const handler = await acceptor.nth(0);
    const started = performance.now();
    handler.link.end();
    await handler.until(() => handler.isClosed);
    expect(performance.now() - started).toBeGreaterThan(900);
  });

  it('destroy: closed is told later, once, to both sides', async () => {
    const { here, there } = await pair();
    here.link.destroy();
    expect(here.isClosed).toBe(false);
    await Promise.all([here, there].map((end) => end.until(() => end.isClosed)));
    await turn();
    expect(here.calls).toEqual(['closed']);
    expect(there.calls).toEqual(['closed']);
  });

  it('abort: takes back what the kernel has not delivered, by a reset', async () => {
    const { here, there } = await pair();
    here.link.abort();
    await Promise.all([here, there].map((end) => end.until(() => end.isClosed)));
    expect(here.error).toBeUndefined();
    expect(there.error).toMatchObject({ code: 'ECONNRESET' });
    here.link.abort();
    expect(here.calls).toEqual(['closed']);
  });

  it('a reset is told with its error', async () => {
    const acceptor = new Acceptor();
    const listener = await links().listen(ANY_PORT, acceptor.accept, fail);
    const socket = connect(listener.address.port, '127.0.0.1');
    socket.on('error', () => undefined);
    const handler = await acceptor.nth(0);
    socket.resetAndDestroy();
    await handler.until(() => handler.isClosed);
    expect(handler.error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('close ends links, listeners and dials, and may be called again', async () => {
    const { here, there, server, client } = await pair();
    await Promise.all([server.close(), server.close(), client.close()]);
    expect([here.isClosed, there.isClosed]).toEqual([true, true]);
    expect([server.open, client.open]).toEqual([0, 0]);
  });
});

function data(seq: number, size: number): DataFrame {
  const chunk = Buffer.alloc(size, seq + 1);
  return { ...EXAMPLES.data, seq, first: true, last: true, totalBytes: size, chunk };
}

function socketOf(handler: RecordingHandler): Socket {
  return (handler.link as unknown as { socket: Socket }).socket;
}

function stopReading(handler: RecordingHandler): void {
  socketOf(handler).pause();
}

function goOnReading(handler: RecordingHandler): void {
  socketOf(handler).resume();
}

/** Sockets that never connect, as when every packet is dropped. */
const unanswered = () => new Socket();

async function ephemeralPortWithoutListener(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
