import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { performance } from 'node:perf_hooks';
import { until } from './processes.js';
import { SampleCluster, type Answer, type SampleNode } from './sample-cluster.js';

const UNKNOWN_ID = '0'.repeat(32);

/** The endpoints that take a body. */
const BODIES = [
  ['POST', '/chat'],
  ['PUT', '/metadata'],
] as const;

describe('the HTTP interface', () => {
  const cluster = new SampleCluster();
  let a: SampleNode;
  let b: SampleNode;
  let c: SampleNode;

  beforeAll(async () => {
    [a, b, c] = (await cluster.startAll(['a', 'b', 'c'], { NODE_METADATA: '{"zone":"x"}' })) as [
      SampleNode,
      SampleNode,
      SampleNode,
    ];
  });
  afterAll(() => cluster.close());

  it('prints one JSON line on stdout and logs on stderr', () => {
    expect(a.process.stdout).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(a.process.stdout)).toEqual({
      ready: true,
      http: expect.any(Number),
      cluster: a.address,
      id: a.id,
    });
    expect(a.process.stderr).toContain('Nest application successfully started');
  });

  it('GET /members gives every member with exactly its fields, sorted by id', async () => {
    const { status, body } = await a.call('GET', '/members');
    expect(status).toBe(200);
    const expected = [a, b, c]
      .toSorted((one, other) => (one.id < other.id ? -1 : 1))
      .map(({ id, name, address }) => ({
        id,
        name,
        address,
        state: 'alive',
        incarnation: expect.any(Number),
        metadata: { zone: 'x' },
      }));
    expect(body).toEqual(expected);
    expect((await a.call('GET', '/members?all=1')).body).toEqual(expected);
  });

  it('GET /self gives the local member', async () => {
    const { status, body } = await b.call('GET', '/self');
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: b.id, name: 'b', address: b.address, state: 'alive' });
    expect(Object.keys(body as object).toSorted()).toEqual(
      ['address', 'id', 'incarnation', 'metadata', 'name', 'state'].toSorted(),
    );
  });

  it('GET /health gives 200 with the number of members and of suspects', async () => {
    expect(await a.call('GET', '/health')).toEqual({
      status: 200,
      body: { status: 'ready', members: 3, suspects: 0 },
    });
  });

  it('POST /chat reaches all others and not the sender; GET /chat shows it in order of arrival', async () => {
    const before = Date.now();
    for (const text of ['one', 'two', 'drei – 三 – 🦜']) {
      const { status, body } = await a.call('POST', '/chat', { text });
      expect({ status, body }).toEqual({
        status: 200,
        body: { delivered: [b.id, c.id].toSorted(), failed: [] },
      });
    }
    for (const node of [b, c]) {
      const lines = await received(node, 3);
      expect(lines.map(({ from, text }) => [from, text])).toEqual([
        [a.id, 'one'],
        [a.id, 'two'],
        [a.id, 'drei – 三 – 🦜'],
      ]);
      for (const line of lines) {
        expect(Object.keys(line).toSorted()).toEqual(['at', 'from', 'text']);
        expect(line.at).toBeGreaterThanOrEqual(before);
        expect(line.at).toBeLessThanOrEqual(Date.now());
      }
    }
    expect((await a.call('GET', '/chat')).body).toEqual([]);
  });

  it('POST /chat/:id reaches that member alone, and the sender itself if it asks for that', async () => {
    const before = (await received(c, 0)).length;
    expect(await b.call('POST', `/chat/${a.id}`, { text: 'psst' })).toEqual({
      status: 200,
      body: { delivered: [a.id], failed: [] },
    });
    expect((await received(a, 1)).at(-1)).toMatchObject({ from: b.id, text: 'psst' });
    expect((await a.call('POST', `/chat/${a.id}`, { text: 'note to self' })).status).toBe(200);
    expect((await received(a, 2)).at(-1)).toMatchObject({ from: a.id, text: 'note to self' });
    expect(await received(c, 0)).toHaveLength(before);
  });

  it('GET /chat keeps the last 1,000 lines', async () => {
    const batches = Array.from({ length: 21 }, (_, batch) => batch);
    for (const batch of batches) {
      const texts = Array.from({ length: 50 }, (_, i) => String(batch * 50 + i));
      await Promise.all(texts.map((text) => b.call('POST', `/chat/${c.id}`, { text })));
    }
    const last = await until('the last line is there', async () => {
      const lines = (await c.call('GET', '/chat')).body as Line[];
      return Number(lines.at(-1)?.text) >= 1000 && lines.length === 1000 ? lines : undefined;
    });
    expect(last).toHaveLength(1000);
    expect(last.some((line) => line.text === 'one')).toBe(false);
  });

  it('a text of 4 KiB passes, one byte more does not', async () => {
    expect((await a.call('POST', `/chat/${b.id}`, { text: 'x'.repeat(4096) })).status).toBe(200);
    expect((await a.call('POST', `/chat/${b.id}`, { text: `${'x'.repeat(4094)}é` })).status).toBe(200);
    for (const path of ['/chat', `/chat/${b.id}`]) {
      for (const text of ['x'.repeat(4097), `${'x'.repeat(4095)}é`, 'x'.repeat(300_000)]) {
        expectError(await a.call('POST', path, { text }), 400, 'TEXT_TOO_LONG');
      }
    }
  });

  it('a bad body is answered with 400, also one that is no JSON', async () => {
    for (const body of [{}, { text: 1 }, { text: '' }, { text: null }, [], { txt: 'x' }]) {
      expectError(await a.call('POST', '/chat', body), 400, 'BAD_BODY');
      expectError(await a.call('POST', `/chat/${b.id}`, body), 400, 'BAD_BODY');
    }
    expectError(await a.call('POST', '/chat'), 400, 'BAD_BODY');
    expectError(await a.call('PUT', '/metadata', [1]), 400, 'BAD_BODY');
    expectError(await a.call('PUT', '/metadata'), 400, 'BAD_BODY');
    for (const [method, path] of BODIES) {
      for (const body of ['{"text":', 'nonsense', '"text"', '', ' ']) {
        expectError(await raw(a, method, path, body, 'application/json'), 400, 'BAD_BODY');
      }
      expectError(await raw(a, method, path, '{"text":"x"}', 'text/plain'), 400, 'BAD_BODY');
      expectError(
        await raw(a, method, path, '{"text":"x"}', 'application/json; charset=klingon'),
        400,
        'BAD_BODY',
      );
    }
  });

  it('a form is no JSON, and changes nothing', async () => {
    const { body: before } = await a.call('GET', '/self');
    for (const [method, path] of BODIES) {
      const answer = await raw(a, method, path, 'text=x', 'application/x-www-form-urlencoded');
      expectError(answer, 400, 'BAD_BODY');
      expect((answer.body as ErrorJson).message).toContain('application/json');
    }
    expect((await a.call('GET', '/self')).body).toEqual(before);
  });

  it('JSON that is no object is called that', async () => {
    for (const [method, path] of BODIES) {
      for (const body of ['null', '"text"', '7', '[]']) {
        const answer = await raw(a, method, path, body, 'application/json');
        expectError(answer, 400, 'BAD_BODY');
        expect((answer.body as ErrorJson).message).toContain('a JSON object');
        expect((answer.body as ErrorJson).message).not.toContain('not valid JSON');
      }
    }
  });

  it('PUT /metadata merges, null removes, and all others get to know', async () => {
    expect(await b.call('PUT', '/metadata', { role: 'cook', zone: 'y' })).toEqual({
      status: 200,
      body: { zone: 'y', role: 'cook' },
    });
    expect(await b.call('PUT', '/metadata', { zone: null })).toEqual({ status: 200, body: { role: 'cook' } });
    for (const node of [a, c]) {
      await until('the change is there', async () => {
        const member = (await node.members()).find(({ id }) => id === b.id);
        return JSON.stringify(member?.metadata) === '{"role":"cook"}';
      });
      await node.untilEvent('updated', b);
    }
  });

  it('metadata over the limit is answered with 413 and changes nothing', async () => {
    const { body: before } = await c.call('GET', '/self');
    expectError(await c.call('PUT', '/metadata', { big: 'x'.repeat(2000) }), 413, 'CLUSTER_INVALID_METADATA');
    expectError(
      await c.call('PUT', '/metadata', { big: 'x'.repeat(300_000) }),
      413,
      'CLUSTER_INVALID_METADATA',
    );
    expect((await c.call('GET', '/self')).body).toEqual(before);
  });

  it('metadata that cannot travel is answered with 400, since nothing is over a limit', async () => {
    const { body: before } = await c.call('GET', '/self');
    const nested = `${'{"a":'.repeat(20)}1${'}'.repeat(20)}`;
    for (const body of ['{"f":1e400}', nested]) {
      const answer = await raw(c, 'PUT', '/metadata', body, 'application/json');
      expectError(answer, 400, 'CLUSTER_INVALID_METADATA');
    }
    expect((await c.call('GET', '/self')).body).toEqual(before);
  });

  it('GET /whoami/:id has that member answer, the asked node itself included', async () => {
    for (const node of [b, a]) {
      const { status, body } = await a.call('GET', `/whoami/${node.id}`);
      expect(status).toBe(200);
      expect(body).toEqual({
        id: node.id,
        name: node.name,
        pid: node.process.pid,
        uptimeMs: expect.any(Number),
      });
    }
  });

  it('a malformed id is answered with 400, an unknown one with 404', async () => {
    for (const [method, path] of [
      ['GET', '/whoami/'],
      ['POST', '/chat/'],
    ] as const) {
      const body = method === 'POST' ? { text: 'x' } : undefined;
      for (const id of ['x', a.id.toUpperCase() + 'X', `${a.id}0`, '%20', '%zz', 'constructor']) {
        expectError(await a.call(method, path + id, body), 400, 'CLUSTER_INVALID_NODE_ID');
      }
      expectError(await a.call(method, path + UNKNOWN_ID, body), 404, 'CLUSTER_UNKNOWN_MEMBER');
    }
  });

  it('what does not exist is answered with 404 in the same shape', async () => {
    expectError(await a.call('GET', '/nothing'), 404, 'NO_SUCH_ENDPOINT');
    expectError(await a.call('DELETE', '/members'), 404, 'NO_SUCH_ENDPOINT');
  });

  it('GET /events is a stream of named events with type, member and at, and no replay', async () => {
    const abort = new AbortController();
    const response = await fetch(`${a.url}/events`, { signal: abort.signal });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    let text = '';
    const read = async () => {
      for await (const chunk of response.body!) text += new TextDecoder().decode(chunk as Uint8Array);
    };
    const reading = read().catch(() => {});
    await b.call('PUT', '/metadata', { mood: 'fine' });
    const block = await until('the event is there', () =>
      text.split('\n\n').find((each) => each.includes('data:')),
    );
    abort.abort();
    await reading;
    expect(block).toMatch(/^event: updated$/m);
    const data = JSON.parse(/^data: (.*)$/m.exec(block)![1]!) as { at: number };
    expect(data).toEqual({
      type: 'updated',
      at: expect.any(Number),
      member: {
        id: b.id,
        name: 'b',
        address: b.address,
        state: 'alive',
        incarnation: expect.any(Number),
        metadata: { role: 'cook', mood: 'fine' },
      },
    });
    expect(Math.abs(Date.now() - data.at)).toBeLessThan(60_000);
  });
});

describe('members that are gone', () => {
  const cluster = new SampleCluster();
  afterEach(() => cluster.close());

  it('are answered with 409 when they left, and listed by GET /members?all=1 only', async () => {
    const [a, b] = (await cluster.startAll(['a', 'b'])) as [SampleNode, SampleNode];
    expect(await b.call('POST', '/leave')).toMatchObject({ status: 202 });
    expect(await b.process.ended()).toEqual({ code: 0, signal: null });
    await a.untilSees([a]);
    const refusal = await a.call('GET', `/whoami/${b.id}`);
    expectError(refusal, 409, 'MEMBER_LEFT');
    expect((refusal.body as ErrorJson).message).toBe(`b (${b.id}) has left`);
    expectError(await a.call('POST', `/chat/${b.id}`, { text: 'x' }), 409, 'MEMBER_LEFT');
    expect((await a.members('?all=1')).map(({ id, state }) => `${id} ${state}`)).toEqual(
      [`${a.id} alive`, `${b.id} left`].toSorted(),
    );
    expect((await a.call('POST', '/chat', { text: 'anybody?' })).body).toEqual({ delivered: [], failed: [] });
  });

  it('are answered with 502 while they die and with 409 once they are unreachable', async () => {
    const fast = { CLUSTER_PROBE_INTERVAL_MS: '200' };
    const [a, b] = (await cluster.startAll(['a', 'b'], fast)) as [SampleNode, SampleNode];
    b.signal('SIGSTOP');
    const [one, all] = await Promise.all([
      a.call('POST', `/chat/${b.id}`, { text: 'are you there?' }),
      a.call('POST', '/chat', { text: 'is anybody there?' }),
    ]);
    expect(one.status).toBe(502);
    expect((one.body as ErrorJson).code).toMatch(/^CLUSTER_(NOT_DELIVERED|DELIVERY_UNCERTAIN)$/);
    expect(all).toEqual({
      status: 200,
      body: { delivered: [], failed: [{ id: b.id, code: expect.stringMatching(/^CLUSTER_/) }] },
    });
    await a.untilEvent('unreachable', b);
    expectError(await a.call('GET', `/whoami/${b.id}`), 409, 'MEMBER_UNREACHABLE');
  });

  it('are answered with 504 when they do not reply in time', async () => {
    // Probes are so rare that nobody is suspected meanwhile.
    const slow = { CLUSTER_PROBE_INTERVAL_MS: '60000' };
    const [a, b] = (await cluster.startAll(['a', 'b'], slow)) as [SampleNode, SampleNode];
    expect((await a.call('GET', `/whoami/${b.id}`)).status).toBe(200);
    b.signal('SIGSTOP');
    expectError(await a.call('GET', `/whoami/${b.id}`), 504, 'CLUSTER_REQUEST_TIMEOUT');
  });
});

describe('looking closer', () => {
  const cluster = new SampleCluster();
  afterEach(() => cluster.close());

  it('GET /members/:id/explain tells why a member is gone; malformed ids are refused', async () => {
    const [a, b] = (await cluster.startAll(['a', 'b'])) as [SampleNode, SampleNode];
    b.signal('SIGKILL');
    await a.untilEvent('unreachable', b);
    const { status, body } = await a.call('GET', `/members/${b.id}/explain`);
    expect(status).toBe(200);
    const { member, history } = body as { member: object; history: { kind: string; byName?: string }[] };
    expect(member).toMatchObject({ id: b.id, state: 'unreachable' });
    expect(history.at(-1)).toMatchObject({ kind: 'unreachable', byName: 'a' });
    expect((await a.call('GET', `/members/${UNKNOWN_ID}/explain`)).body).toEqual({ history: [] });
    expectError(await a.call('GET', '/members/x/explain'), 400, 'CLUSTER_INVALID_NODE_ID');
  });

  it('POST /debug/block holds up the event loop, and is there with SAMPLE_DEBUG=1 only', async () => {
    const a = await cluster.start('a', [], { SAMPLE_DEBUG: '1' });
    const b = await cluster.start('b', [a]);
    const beganMs = performance.now();
    expect(await a.call('POST', '/debug/block?ms=300')).toEqual({ status: 204, body: undefined });
    expect(performance.now() - beganMs).toBeGreaterThanOrEqual(300);
    for (const query of ['', '?ms=-1', '?ms=60001', '?ms=x'])
      expectError(await a.call('POST', `/debug/block${query}`), 400, 'BAD_QUERY');
    expect((await b.call('POST', '/debug/block?ms=1')).status).toBe(404);
  });
});

interface ErrorJson {
  readonly code: string;
  readonly message: string;
}

interface Line {
  readonly from: string;
  readonly text: string;
  readonly at: number;
}

function expectError({ status, body }: Answer, expectedStatus: number, code: string): void {
  expect({ status, body }).toEqual({ status: expectedStatus, body: { code, message: expect.any(String) } });
}

/** The lines of a node, once there are at least that many: a handler runs right after the acknowledgement. */
function received(node: SampleNode, count: number): Promise<Line[]> {
  return until(`${node.name} has ${count} lines`, async () => {
    const lines = (await node.call('GET', '/chat')).body as Line[];
    return lines.length >= count ? lines : undefined;
  });
}

async function raw(
  node: SampleNode,
  method: string,
  path: string,
  body: string,
  type: string,
): Promise<Answer> {
  const response = await fetch(node.url + path, { method, body, headers: { 'content-type': type } });
  return { status: response.status, body: await response.json() };
}
