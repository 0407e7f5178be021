import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { SampleCluster, type SampleNode } from './sample-cluster.js';

const cluster = new SampleCluster();
afterEach(() => cluster.close());

async function three(): Promise<[SampleNode, SampleNode, SampleNode]> {
  return (await cluster.startAll(['a', 'b', 'c'])) as [SampleNode, SampleNode, SampleNode];
}

describe('a process that leaves', () => {
  it('is left at all others, never suspected or unreachable, and ends with 0', async () => {
    const [a, b, c] = await three();
    expect((await c.call('POST', '/leave')).status).toBe(202);
    expect(await c.process.ended()).toEqual({ code: 0, signal: null });
    for (const witness of [a, b]) {
      await witness.untilEvent('left', c);
      await witness.untilSees([a, b]);
      expect(witness.eventsAbout(c).filter((type) => type !== 'joined' && type !== 'updated')).toEqual([
        'left',
      ]);
      expect((await witness.members('?all=1')).find((member) => member.id === c.id)?.state).toBe('left');
    }
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('leaves in order at %s as well', async (signal) => {
    const [a, b, c] = await three();
    c.signal(signal);
    const exit = await c.process.ended();
    expect([exit.code, exit.signal]).toContain(exit.code === 0 ? 0 : signal);
    for (const witness of [a, b]) {
      await witness.untilEvent('left', c);
      expect(witness.eventsAbout(c).filter((type) => type !== 'joined' && type !== 'updated')).toEqual([
        'left',
      ]);
    }
  });

  it('ends although somebody reads its events and keeps a connection open', async () => {
    const a = await cluster.start('a');
    // SampleCluster reads the events of every node; fetch keeps its connections.
    await a.call('GET', '/members');
    await a.call('POST', '/leave');
    expect(await a.process.ended()).toEqual({ code: 0, signal: null });
  });

  it.each(['/leave', 'SIGTERM'])('ends soon at %s although a request was only half sent', async (end) => {
    const a = await cluster.start('a');
    const socket = connect(Number(new URL(a.url).port), '127.0.0.1');
    socket.on('error', () => {}); // The end of the process may reset it.
    await once(socket, 'connect');
    const head = ['POST /chat HTTP/1.1', 'Host: a', 'Content-Type: application/json', 'Content-Length: 99'];
    socket.write(`${head.join('\r\n')}\r\n\r\n{"text":`);
    if (end === '/leave') expect((await a.call('POST', end)).status).toBe(202);
    else a.signal('SIGTERM');
    const exit = await a.process.ended(10_000);
    socket.destroy();
    if (end === '/leave') expect(exit).toEqual({ code: 0, signal: null });
  });

  it('is alone when it leaves last, and ends at once', async () => {
    const a = await cluster.start('a');
    await a.call('POST', '/leave');
    expect(await a.process.ended(10_000)).toEqual({ code: 0, signal: null });
  });
});
