import { afterEach, describe, expect, it } from '@jest/globals';
import * as api from '@opentelemetry/api';
import { loadOpenTelemetry, type Imported } from '../../../src/cluster/tracing/load-opentelemetry.js';
import { Tracing } from '../../../src/cluster/tracing/tracing.js';
import { startNode } from '../../../src/cluster/start-node.js';
import { silentLogger } from '../../../src/logger.js';
import { VirtualCluster } from '../../support/virtual-cluster.js';
import { Telemetry } from './telemetry.js';

afterEach(() => Telemetry.end());

const nobody = { clusterName: 'test', local: undefined as never, member: () => undefined };

async function load(imported: Imported): Promise<{ loaded: boolean; lines: string[] }> {
  const lines: string[] = [];
  const logger = {
    debug: (line: string) => void lines.push(`debug ${line}`),
    warn: (line: string) => void lines.push(`warn ${line}`),
  };
  const tracer = await loadOpenTelemetry(nobody, logger, logger, () => Promise.resolve(imported));
  return { loaded: tracer !== undefined, lines };
}

function failure(code: string | undefined, message: string): Imported {
  return { error: Object.assign(new Error(message), code === undefined ? {} : { code }) };
}

describe('the tracer', () => {
  it('is there where the API is installed, and says nothing about it', async () => {
    expect(await load({ api })).toEqual({ loaded: true, lines: [] });
  });

  it.each([
    [
      'import() of Node',
      'ERR_MODULE_NOT_FOUND',
      "Cannot find package '@opentelemetry/api' imported from /a.js",
    ],
    [
      'require() of Node',
      'MODULE_NOT_FOUND',
      "Cannot find module '@opentelemetry/api'\nRequire stack:\n- /a",
    ],
    [
      'Jest',
      'MODULE_NOT_FOUND',
      "Cannot find module '@opentelemetry/api' from 'node_modules/clusterpack/a.js'",
    ],
  ])('is absent in silence where the API is not installed (%s)', async (_, code, message) => {
    expect(await load(failure(code, message))).toEqual({
      loaded: false,
      lines: ['debug No tracing: @opentelemetry/api is not installed'],
    });
  });

  it.each([
    ['ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING', 'A dynamic import callback was not specified.'],
    [
      'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING_FLAG',
      'A dynamic import callback was invoked without --experimental-vm-modules',
    ],
    [undefined, 'You need to run with a version of node that supports ES Modules in the VM API.'],
  ])('is absent in silence where nothing can be imported (%s)', async (code, message) => {
    const { loaded, lines } = await load(failure(code, message));
    expect(loaded).toBe(false);
    expect(lines).toEqual([expect.stringMatching(/^debug No tracing: import\(\) is not possible here/)]);
  });

  it.each([
    [
      'a file of it is missing',
      'ERR_MODULE_NOT_FOUND',
      "Cannot find module '/a/@opentelemetry/api/index.js'",
    ],
    ['a dependency of it is missing', 'MODULE_NOT_FOUND', "Cannot find module 'semver'"],
    ['it throws', undefined, 'unexpected token'],
  ])('is absent with a warning where the API is there and broken: %s', async (_, code, message) => {
    expect(await load(failure(code, message))).toEqual({
      loaded: false,
      lines: [
        expect.stringMatching(/^warn No tracing: @opentelemetry\/api is installed, and cannot be loaded/),
      ],
    });
  });

  it('is absent with a warning whatever was thrown', async () => {
    const { lines } = await load({ error: undefined });
    expect(lines).toEqual([expect.stringMatching(/^warn/)]);
  });
});

describe('tracing', () => {
  it('has no tracer before it is loaded, without one, and while nobody collects spans', async () => {
    const tracing = new Tracing(() => loadOpenTelemetry(nobody, silentLogger, silentLogger));
    expect(tracing.tracer).toBeUndefined();
    await tracing.load();
    expect(tracing.tracer).toBeUndefined();
    const telemetry = new Telemetry();
    expect(telemetry.spans).toEqual([]);
    expect(tracing.tracer).toBeDefined();
    Telemetry.end();
    expect(tracing.tracer).toBeUndefined();

    const none = new Tracing(undefined);
    expect(none.load()).toBeUndefined();
    expect(none.tracer).toBeUndefined();
  });

  it('adds no header while nobody collects spans', async () => {
    const node = await startNode({ port: 0, clusterName: 'idle' });
    node.onRequest('price', (_, message) => message.headers);
    expect(await node.request(node.local, 'price', 1)).toEqual({});
    await node.close();
  });

  it('begins with the SDK, also when that is registered after the node has started', async () => {
    const node = await startNode({ port: 0, clusterName: 'late' });
    node.onRequest('price', () => 3);
    await node.request(node.local, 'price', 1);
    const telemetry = new Telemetry();
    await node.request(node.local, 'price', 1);
    await node.close();
    expect(telemetry.tree).toBe('request price CLIENT\n  process price SERVER');
  });

  it('is off with tracing: false', async () => {
    const telemetry = new Telemetry();
    const node = await startNode({ port: 0, clusterName: 'off', tracing: false });
    node.onRequest('price', (_, message) => message.headers);
    const headers = await telemetry.under('checkout', () => node.request(node.local, 'price', 1));
    await node.close();
    expect(headers).toEqual({});
    expect(telemetry.tree).toBe('checkout INTERNAL');
  });

  it('is off in virtual time, unless a test asks for it', async () => {
    const telemetry = new Telemetry();
    const cluster = new VirtualCluster();
    const c = cluster.node('c', { tracing: true });
    const [a, b] = await cluster.start('a', 'b', 'c');
    for (const node of [a!, b!, c]) node.onRequest('price', (_, message) => Object.keys(message.headers));
    expect(await cluster.run(a!.request(b!.local, 'price', 1))).toEqual([]);
    expect(telemetry.spans).toEqual([]);
    expect(await cluster.run(c.request(b!.local, 'price', 1))).toEqual(['traceparent']);
    expect(telemetry.tree).toBe('request price CLIENT');
    await cluster.close();
  });
});

describe('what an SDK throws', () => {
  it('is logged, and no message fails of it', async () => {
    const { trace, propagation } = api;
    const broken = (): never => {
      throw new Error('the collector is in the way');
    };
    const provider = { getTracer: () => ({ startSpan: broken, startActiveSpan: broken }) };
    trace.setGlobalTracerProvider(provider);
    propagation.setGlobalPropagator({ inject: broken, extract: broken, fields: () => ['traceparent'] });
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (line: string) => void warnings.push(line) };
    const node = await startNode({ port: 0, clusterName: 'broken', logger });
    node.onRequest('price', () => 3);
    expect(await node.request(node.local, 'price', 1)).toBe(3);
    await node.close();
    expect(warnings).toEqual(['Tracing of a message failed: Error: the collector is in the way']);
  });
});
