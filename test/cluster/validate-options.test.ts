import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { messagePack } from '../../src/cluster/messaging/msgpack-serializer.js';
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

const KEY = '0123456789abcdef'.repeat(4);
const TLS = { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' };

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
    [{ clusterName: 'é'.repeat(128) }, 'clusterName', 'at most 255 bytes long'],
    [{ nodeName: 'x'.repeat(256) }, 'nodeName', 'at most 255 bytes long'],
    [{ serializer: { ...messagePack(), name: 'x'.repeat(65) } }, 'serializer', 'a name of 1 to 64 bytes'],
    [{ serializer: { ...messagePack(), name: undefined } }, 'serializer', 'a name of 1 to 64 bytes'],
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
    [{ security: 'psk' }, 'security', "must be { secrets: [...] }, { tls: { ca, cert, key } }, or 'none'"],
    [{ security: {} }, 'security', 'has neither or both of "secrets" and "tls"'],
    [{ security: { secrets: [KEY], tls: {} } }, 'security', 'has neither or both of "secrets" and "tls"'],
    [{ security: { secret: KEY } }, 'security.secret', 'did you mean "secrets"?'],
    [{ security: { secrets: KEY } }, 'security.secrets', 'must be an array of 1 to 8 secrets'],
    [{ security: { secrets: [] } }, 'security.secrets', 'must be an array of 1 to 8 secrets'],
    [
      { security: { secrets: new Array(9).fill(KEY) } },
      'security.secrets',
      'must be an array of 1 to 8 secrets',
    ],
    [{ security: { secrets: [new Uint8Array(1025)] } }, 'security.secrets.0', 'at most 1024 are allowed'],
    [{ security: { secrets: [{ passphrase: 'x'.repeat(1025) }] } }, 'security.secrets.0', '16 to 1024'],
    [{ security: { secrets: [undefined] } }, 'security.secrets.0', 'is the environment variable set'],
    [
      { security: { secrets: [KEY, KEY.slice(2)] } },
      'security.secrets.1',
      'has 31 bytes, but a secret needs',
    ],
    [{ security: { secrets: [new Uint8Array(16)] } }, 'security.secrets.0', 'has 16 bytes'],
    [{ security: { secrets: ['hunter2 hunter2 hunter2 hunter2 hunter2'] } }, 'security.secrets.0', 'keygen'],
    [
      { security: { secrets: [{ passphrase: 'too short' }] } },
      'security.secrets.0',
      'passphrase of 9 characters',
    ],
    [
      { security: { secrets: [{ passphrase: KEY, salt: '' }] } },
      'security.secrets.0',
      'at least 32 random bytes',
    ],
    [{ security: { secrets: [KEY], migrate: 'now' } }, 'security.migrate', 'must be "accept-plaintext" or'],
    [{ security: { tls: 'cert.pem' } }, 'security.tls', 'must be { ca, cert, key }'],
    [{ security: { tls: { ca: 'a', cert: 'b' } } }, 'security.tls.key', 'is undefined, but must be PEM'],
    [{ security: { tls: { ca: [], cert: 'b', key: 'c' } } }, 'security.tls.ca', 'is empty'],
    [{ security: { tls: { ...TLS, chekName: 1 } } }, 'security.tls.chekName', 'did you mean "checkName"?'],
    [{ security: { tls: { ...TLS, checkName: 'a' } } }, 'security.tls.checkName', 'must be a function'],
    [
      { security: { tls: { ...TLS, reloadIntervalMs: -1 } } },
      'security.tls.reloadIntervalMs',
      'milliseconds',
    ],
    [{ security: { secrets: ['ab'.repeat(32)] } }, 'security.secrets.0', 'repeats a few bytes'],
    [
      { security: { secrets: Object.assign(new Array(2), { 1: KEY }) } },
      'security.secrets.0',
      'is the environment variable set',
    ],
    [{ clusterName: 'ü'.repeat(128) }, 'clusterName', 'must be at most 255 bytes long'],
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
    const secret = 'hunter2-hunter2';
    const forms = [secret, { secrets: secret }, { secrets: [secret] }, { secrets: [{ passphrase: secret }] }];
    const tls = [secret, { ca: secret, cert: secret }, { ...TLS, passphrase: { secret } }];
    for (const security of [
      ...forms,
      { secrets: [KEY], migrate: secret },
      ...tls.map((each) => ({ tls: each })),
    ])
      expect(refusal({ security }).message).not.toContain('hunter2');
  });

  it('let a node with security listen anywhere', () => {
    const resolved = resolveOptions({ host: '0.0.0.0', security: { secrets: [KEY] } });
    expect(resolved).toMatchObject({ host: '0.0.0.0', warnings: [] });
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
