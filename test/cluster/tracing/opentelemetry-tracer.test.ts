import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as api from '@opentelemetry/api';
import { OpenTelemetryTracer } from '../../../src/cluster/tracing/opentelemetry-tracer.js';
import { ClusterMessage } from '../../../src/cluster/messaging/cluster-message.js';
import { memberOf } from '../../support/members.js';
import { Telemetry, failureOf } from './telemetry.js';

const [local, peer] = [memberOf('a'), memberOf('b')];
const warnings: string[] = [];
let telemetry = new Telemetry();

beforeEach(() => {
  Telemetry.end();
  telemetry = new Telemetry();
  warnings.length = 0;
});
afterEach(() => {
  Telemetry.end();
  expect(warnings).toEqual([]);
});

function handle(start: () => unknown, isRequest = false): unknown {
  const node = { clusterName: 'test', local, member: () => peer };
  const tracer = new OpenTelemetryTracer(api, node, { warn: (_, line) => void warnings.push(line) });
  const data = new Uint8Array(0);
  const fields = { sender: peer, pattern: 'price', data, payload: data, headers: {}, receivedAtMs: 0 };
  return tracer.handle(undefined, ClusterMessage.of({ ...fields, isRequest }), start);
}

describe('a traced handler', () => {
  it('that is synchronous stays so: its result is no promise, and its error is thrown', () => {
    expect(handle(() => 3)).toBe(3);
    const refusal = new RangeError('no such price');
    const fail = (): never => {
      throw refusal;
    };
    expect(() => handle(fail)).toThrow(refusal);
    expect(telemetry.spans.map(failureOf)).toEqual([
      undefined,
      { type: 'RangeError', message: 'no such price', exceptions: 1 },
    ]);
  });

  it('that gives a promise is under way until that has settled', async () => {
    let answer: (value: number) => void = () => undefined;
    const result = handle(() => new Promise<number>((resolve) => (answer = resolve)));
    expect(telemetry.spans).toEqual([]);
    answer(3);
    expect(await result).toBe(3);
    expect(telemetry.spans).toHaveLength(1);
  });

  it('that gives what begins only when it is awaited, as query builders do, is its parent', async () => {
    let active: api.Span | undefined;
    const query: PromiseLike<number> = {
      // oxlint-disable-next-line unicorn/no-thenable -- exactly that is meant
      then(resolve, reject) {
        active = api.trace.getActiveSpan();
        return Promise.resolve(3).then(resolve, reject);
      },
    };
    expect(await handle(() => query)).toBe(3);
    expect(active?.spanContext().spanId).toBe(telemetry.spans[0]!.spanContext().spanId);
  });

  it('that throws something else than an error has failed, of no kind that could be counted', async () => {
    await expect(handle(() => Promise.reject('no'), true)).rejects.toBe('no');
    expect(telemetry.spans.map(failureOf)).toEqual([{ type: '_OTHER', message: 'no', exceptions: 1 }]);
  });

  it('that is not sampled has a context all the same', () => {
    Telemetry.end();
    telemetry = new Telemetry({ sampled: false });
    const traceId = handle(() => api.trace.getActiveSpan()?.spanContext().traceId);
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(telemetry.spans).toEqual([]);
  });
});
