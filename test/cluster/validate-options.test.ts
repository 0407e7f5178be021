import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { resolveOptions } from '../../src/cluster/validate-options.js';
import { loopback } from '../../src/discovery/loopback.js';
import { seeds } from '../../src/discovery/static.js';
import { InvalidOptionError } from '../../src/errors.js';

/** The error for options that TypeScript would not let through. */
function refusal(options: object): InvalidOptionError {
  try {
    resolveOptions(options);
  } catch (error) {
    if (error instanceof InvalidOptionError) return error;
    throw error;
  }
  throw new Error('The options were accepted');
}

describe('options', () => {
  it('have a default each', () => {
    const options = resolveOptions();
    expect(options).toMatchObject({
      host: '127.0.0.1',
      requestTimeoutMs: 5000,
      enabled: true,
      autoJoin: true,
    });
    expect(options.nodeName).toMatch(/-\d+$/);
    expect(options.clusterName).toMatch(/^clusterpack@/);
    expect(options.swim).toMatchObject({ probeIntervalMs: 1000, probeTimeoutMs: 500, suspicionAlpha: 4 });
  });

  it('take the preset, and single parameters over it', () => {
    const { swim } = resolveOptions({
      preset: 'wan',
      swim: { gossipFanout: 7, components: { buddy: false } },
    });
    expect(swim).toMatchObject({ probeIntervalMs: 5000, gossipFanout: 7 });
    expect(swim.components).toMatchObject({ buddy: false, lhaProbe: true });
  });

  it.each([
    [{ port: 70_000 }, 'port', 'is 70000, but must be an integer from 0 to 65535'],
    [{ port: '80' }, 'port', 'is "80", but must be'],
    [{ clusterName: '' }, 'clusterName', 'must not be empty'],
    [{ preset: 'LAN' }, 'preset', 'is "LAN", but must be "lan", "wan" or "local"'],
    [{ swim: { probeIntervalMs: -1 } }, 'swim.probeIntervalMs', 'is -1, but must be at least 1 ms'],
    [{ swim: { components: { buddy: 1 } } }, 'swim.components.buddy', 'must be true or false'],
    [{ limits: { metadataBytes: 1e6 } }, 'limits.metadataBytes', 'must be at most 8192'],
    [{ limits: { payloadBytes: 0 } }, 'limits.payloadBytes', 'must be at least 1'],
    [{ discovery: {} }, 'discovery', 'must be an object with discoverNodes()'],
    [{ port: true }, 'port', 'is true, but must be an integer from 0 to 65535'],
    [{ host: '127.0.0.1:80' }, 'host', 'without brackets and port'],
    [{ host: '[::1]' }, 'host', 'without brackets and port'],
    [{ advertise: 'no such host:1:2:x y' }, 'advertise', '"host:port"'],
    [{ advertise: 'a:b:c' }, 'advertise', '"host:port"'],
    [{ advertise: 'h:0' }, 'advertise', 'with a port from 1 to 65535'],
    [{ advertise: '' }, 'advertise', 'is "", but must be "host"'],
    [{ advertise: '0.0.0.0' }, 'advertise', 'which nobody can dial'],
    [{ advertise: { host: '::' } }, 'advertise', 'which nobody can dial'],
    [{ metadata: [] }, 'metadata', 'must be a plain object'],
    [{ security: 'psk' }, 'security', 'must be "none"'],
    [{ enabled: 'yes' }, 'enabled', 'must be true or false'],
    [{ swim: { probeTimeoutMs: 2000 } }, 'swim.probeTimeoutMs', 'must be below probeIntervalMs (1000)'],
  ])('refuse %j', (options, option, problem) => {
    const error = refusal(options);
    expect(error.option).toBe(option);
    expect(error.message).toContain(problem);
    expect(error.code).toBe('CLUSTER_INVALID_OPTION');
  });

  it.each([
    [{ clustername: 'x' }, 'clustername', 'did you mean "clusterName"?'],
    [{ swim: { probeIntervalMS: 1 } }, 'swim.probeIntervalMS', 'did you mean "probeIntervalMs"?'],
    [{ limits: { payloadByte: 1 } }, 'limits.payloadByte', 'did you mean "payloadBytes"?'],
    [{ colour: 'red' }, 'colour', 'the options here are clusterName,'],
  ])('refuse the unknown %j with a suggestion', (options, option, hint) => {
    const error = refusal(options);
    expect(error.option).toBe(option);
    expect(error.message).toContain(hint);
  });

  it('never show what is under security', () => {
    expect(refusal({ security: 'hunter2-hunter2' }).message).not.toContain('hunter2');
  });

  it('keep a node without security on loopback', () => {
    expect(refusal({ host: '0.0.0.0' }).message).toContain("security: 'none'");
    expect(resolveOptions({ host: '0.0.0.0', security: 'none' }).warnings[0]).toContain(
      'whoever reaches the port',
    );
  });

  it('refuse remote discovery on a loopback address', () => {
    const error = refusal({ discovery: seeds('10.0.0.5:7946') });
    expect(error.option).toBe('discovery');
    expect(error.message).toContain("set host, for example '0.0.0.0'");
    expect(() => resolveOptions({ discovery: seeds('127.0.0.1:7946') })).not.toThrow();
  });

  it('choose the port that the discovery cares for', () => {
    expect(resolveOptions({ discovery: loopback() }).port).toBeUndefined();
    expect(resolveOptions({ discovery: loopback(), port: 0 }).port).toBe(0);
    expect(resolveOptions({ discovery: seeds('127.0.0.1:7946') }).port).toBe(7946);
  });

  describe('by the environment', () => {
    const kept = { ...process.env };
    beforeEach(() => {
      for (const name of ['JEST_WORKER_ID', 'VITEST_WORKER_ID', 'NODE_ENV']) delete process.env[name];
    });
    afterEach(() => {
      process.env = { ...kept };
    });

    it.each([
      ['JEST_WORKER_ID', '1'],
      ['VITEST_WORKER_ID', '1'],
      ['NODE_ENV', 'test'],
    ])('leave a node alone on any port where %s is set', (name, value) => {
      process.env[name] = value;
      expect(resolveOptions()).toMatchObject({ discovery: undefined, port: 0 });
      expect(resolveOptions({ discovery: loopback() }).discovery?.name).toBe('loopback');
    });

    it('find others on this machine otherwise, with a warning in production', () => {
      expect(resolveOptions().discovery?.name).toBe('loopback');
      expect(resolveOptions().warnings).toEqual([]);
      process.env['NODE_ENV'] = 'production';
      expect(resolveOptions().warnings[0]).toContain('this machine only');
      expect(resolveOptions({ discovery: loopback() }).warnings).toEqual([]);
    });
  });
});
