import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { until } from './processes.js';
import { SampleCluster, type SampleNode } from './sample-cluster.js';

const cluster = new SampleCluster();
afterEach(() => cluster.close());

describe('real processes', () => {
  it('find each other, eight of them, and each sees the same eight', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const nodes = await cluster.startAll(names);
    const views = await Promise.all(nodes.map((node) => node.members()));
    const ids = nodes.map((node) => node.id).toSorted();
    for (const view of views) {
      expect(view.map((member) => member.id)).toEqual(ids);
      expect(view.map((member) => member.name).toSorted()).toEqual(names);
    }
  });

  it('come back as a new member when started again at the same address', async () => {
    const [a, b, c] = (await cluster.startAll(['a', 'b', 'c'])) as [SampleNode, SampleNode, SampleNode];
    c.signal('SIGKILL');
    await c.process.ended();
    const again = await cluster.start('c', [a], { CLUSTER_PORT: String(c.port) });
    expect(again.address).toBe(c.address);
    expect(again.id).not.toBe(c.id);
    for (const node of [a, b, again]) await node.untilSees([a, b, again]);
    for (const node of [a, b]) {
      expect(node.eventsAbout(c).at(-1)).toBe('unreachable');
      expect(node.eventsAbout(again)[0]).toBe('joined');
    }
  });

  it('are refused by another cluster, and both logs say so', async () => {
    const a = await cluster.start('a');
    const stranger = await cluster.start('stranger', [a], { CLUSTER_NAME: 'another-cluster' });
    for (const node of [a, stranger]) {
      await until(`${node.name} logs the refusal`, () => node.process.stderr.includes('cluster-name'), {
        report: () => node.process.output(),
      });
      expect(node.process.stderr).toContain('another-cluster');
      expect(node.process.stderr).toContain(cluster.name);
      expect((await node.members()).map((member) => member.id)).toEqual([node.id]);
    }
  });
});

describe('a start', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.close();
  });

  async function takenPort(): Promise<string> {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return String((server.address() as AddressInfo).port);
  }

  it('fails with one clear line when the port is in use', async () => {
    const port = await takenPort();
    const process = cluster.spawn('late', { CLUSTER_SEEDS: '', CLUSTER_PORT: port });
    expect(await process.ended()).toEqual({ code: 1, signal: null });
    expect(process.stdout).toBe('');
    expect(process.stderr).toMatch(
      new RegExp(`^sample-app: CLUSTER_PORT: .*127\\.0\\.0\\.1:${port}.* in use.* set CLUSTER_PORT to`, 'm'),
    );
  });

  it('leaves the cluster again when the HTTP port is in use', async () => {
    const a = await cluster.start('a');
    const process = cluster.spawn('late', { CLUSTER_SEEDS: a.address, HTTP_PORT: await takenPort() });
    expect(await process.ended()).toEqual({ code: 1, signal: null });
    expect(process.stderr).toMatch(/^sample-app: HTTP_PORT=.*EADDRINUSE/m);
    await a.untilSees([a]);
    expect(a.events.map((event) => event.type)).not.toContain('unreachable');
  });

  it.each([
    ['a name that does not exist', 'nope.invalid'],
    // TEST-NET-1: no machine has it.
    ['an address of another machine', '192.0.2.1'],
  ])('blames the host when that is %s', async (_what, host) => {
    const http = cluster.spawn('wrong', { CLUSTER_SEEDS: '', HTTP_HOST: host });
    expect(await http.ended()).toEqual({ code: 1, signal: null });
    expect(http.stderr).toMatch(new RegExp(`^sample-app: HTTP_HOST="${host}"`, 'm'));
    expect(http.stderr).not.toContain('HTTP_PORT');

    const node = cluster.spawn('wrong', { CLUSTER_SEEDS: '', CLUSTER_HOST: host, CLUSTER_INSECURE: '1' });
    expect(await node.ended()).toEqual({ code: 1, signal: null });
    expect(node.stderr).toMatch(/^sample-app: CLUSTER_HOST: .*[Ss]et CLUSTER_HOST to /m);
    expect(node.stderr).not.toMatch(/CLUSTER_PORT|"(host|port|advertise)"/);
  });

  it.each([
    ['CLUSTER_PORT', '70000', 'an integer from 0 to 65535'],
    ['HTTP_PORT', 'http', 'an integer from 0 to 65535'],
    ['CLUSTER_SEEDS', '127.0.0.1:7946,nonsense:x', 'host:port'],
    ['CLUSTER_SEEDS', '10.0.0.5:7946', 'CLUSTER_HOST'],
    ['CLUSTER_ADVERTISE', 'no-port', 'host:port'],
    ['CLUSTER_HOST', '0.0.0.0', 'CLUSTER_INSECURE=1'],
    ['CLUSTER_INSECURE', 'yes', 'one of 0, 1'],
    ['CLUSTER_PRESET', 'moon', 'one of lan, wan, local'],
    ['CLUSTER_PROBE_INTERVAL_MS', '1', 'an integer from 10'],
    ['NODE_METADATA', '[1]', 'a JSON object'],
    ['NODE_METADATA', '{"zone":', 'a JSON object'],
  ])('fails with one line on stderr for %s=%s', async (variable, value, allowed) => {
    const process = cluster.spawn('wrong', { [variable]: value });
    expect(await process.ended()).toEqual({ code: 1, signal: null });
    expect(process.stdout).toBe('');
    const lines = process.stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`${variable}=${JSON.stringify(value)}`);
    expect(lines[0]).toContain(allowed);
  });

  it('names the variable when the library refuses its value', async () => {
    const process = cluster.spawn('big', { NODE_METADATA: JSON.stringify({ text: 'x'.repeat(2000) }) });
    expect(await process.ended()).toEqual({ code: 1, signal: null });
    expect(process.stderr).toMatch(/^sample-app: NODE_METADATA: /m);
    expect(process.stdout).toBe('');
  });
});
