import * as v from 'valibot';
import { isHost, isLoopbackHost, isUnspecifiedHost, parseAddress } from '../address.js';
import { loopback } from '../discovery/loopback.js';
import { InvalidAddressError, InvalidOptionError, clip } from '../errors.js';
import { silentLogger } from '../logger.js';
import { resolveSwimOptions, type SwimOptions } from '../membership/swim/options.js';
import { defaultClusterName, defaultNodeName, isTestRun } from './defaults.js';
import { limitsSchema, resolveLimits } from './limits.js';
import { mistakeIn, show } from './option-errors.js';
import { checkedSecurity } from './security/security-options.js';
import { messagePack } from './messaging/msgpack-serializer.js';
import type { Serializer } from './messaging/serializer.js';
import { DEFAULT_PORT, type ClusterOptions, type ResolvedOptions } from './options.js';

const name = v.pipe(
  v.string(),
  v.nonEmpty('must not be empty'),
  v.maxBytes(255, 'must be at most 255 bytes long in UTF-8'),
);
const milliseconds = v.pipe(
  v.number('must be a number of milliseconds'),
  v.finite('must be finite'),
  v.minValue(1, 'must be at least 1 ms'),
  v.maxValue(2 ** 31 - 1, 'must be below 2^31 ms (24 days)'),
);
const port = (least: number) => {
  const allowed = `must be an integer from ${least} to 65535`;
  return v.pipe(
    v.number(allowed),
    v.integer(allowed),
    v.minValue(least, allowed),
    v.maxValue(65535, allowed),
  );
};
const ADVERTISE = 'must be "host", "host:port" or { host, port }';
/** An IP literal or a name: a port, brackets or spaces here are a mistake that no hint about security helps with. */
const host = v.pipe(
  v.string('must be an IP address or a host name'),
  v.check<string, string>(
    (text) => isHost(text),
    'must be an IP address or a host name, without brackets and port',
  ),
);
export const isFunction = v.custom<(...given: never[]) => unknown>(
  (value) => typeof value === 'function',
  'must be a function',
);
export const hasMethods = (...methods: readonly string[]) =>
  v.custom<object>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function'),
    `must be an object with ${methods.map((method) => `${method}()`).join(', ')}`,
  );

function isSerializerName(name: unknown): boolean {
  return typeof name === 'string' && name !== '' && Buffer.byteLength(name) <= 64;
}

/** Which values each protocol parameter may have; the rest is a positive integer or a number of milliseconds. */
const swimSpecial: Partial<Record<keyof SwimOptions, v.GenericSchema>> = {
  capConfirmations: v.boolean('must be true or false'),
  nackShare: v.pipe(
    v.number(),
    v.minValue(0.1, 'must be from 0.1 to 0.95'),
    v.maxValue(0.95, 'must be from 0.1 to 0.95'),
  ),
  suspicionAlpha: v.pipe(
    v.number(),
    v.minValue(0.1, 'must be at least 0.1'),
    v.maxValue(1000, 'must be at most 1000'),
  ),
  suspicionBeta: v.pipe(
    v.number(),
    v.minValue(1, 'must be at least 1'),
    v.maxValue(1000, 'must be at most 1000'),
  ),
  gossipFanout: count(0),
  gossipOverLinksAbove: count(0),
  gossipOverLinksForIntervals: count(0),
  indirectProbes: count(0),
  suspicionConfirmations: count(0),
  maxLocalHealth: count(0),
  syncIntervalMs: v.pipe(v.number(), v.finite(), v.minValue(0, 'must be 0 (off) or more')),
  gossipToLostMs: v.pipe(v.number(), v.finite(), v.minValue(0, 'must be 0 (off) or more')),
  maxPiggybackUpdates: v.pipe(
    v.number(),
    v.integer(),
    v.minValue(1, 'must be from 1 to 256'),
    v.maxValue(256, 'must be from 1 to 256'),
  ),
};

const swimKeys = Object.keys(resolveSwimOptions()) as (keyof SwimOptions)[];

const swimSchema = v.strictObject({
  ...Object.fromEntries(
    swimKeys
      .filter((key) => key !== 'components')
      .map((key) => [key, v.optional(swimSpecial[key] ?? (key.endsWith('Ms') ? milliseconds : count(1)))]),
  ),
  components: v.optional(
    v.strictObject(
      Object.fromEntries(
        Object.keys(resolveSwimOptions().components).map((key) => [
          key,
          v.optional(v.boolean('must be true or false')),
        ]),
      ),
    ),
  ),
});

function count(least: number) {
  return v.pipe(
    v.number(),
    v.integer('must be an integer'),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(1e9, 'must be at most 1e9'),
  );
}

/** Options that say how the protocol goes. */
export const swimEntries = {
  preset: v.optional(v.picklist(['lan', 'wan', 'local'], 'must be "lan", "wan" or "local"')),
  swim: v.optional(swimSchema),
};

const schema = v.strictObject({
  clusterName: v.optional(name),
  nodeName: v.optional(name),
  host: v.optional(host),
  port: v.optional(port(0)),
  advertise: v.optional(
    v.union([v.string(), v.strictObject({ host: v.optional(host), port: v.optional(port(1)) })], ADVERTISE),
  ),
  discovery: v.optional(hasMethods('discoverNodes')),
  ...swimEntries,
  metadata: v.optional(
    v.custom<object>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      'must be a plain object',
    ),
  ),
  security: v.optional(v.unknown()),
  serializer: v.optional(
    v.pipe(
      hasMethods('serialize', 'deserialize'),
      v.check((given) => isSerializerName((given as Serializer).name), 'must have a name of 1 to 64 bytes'),
    ),
  ),
  limits: v.optional(limitsSchema),
  requestTimeoutMs: v.optional(milliseconds),
  drainTimeoutMs: v.optional(milliseconds),
  enabled: v.optional(v.boolean('must be true or false')),
  tracing: v.optional(v.boolean('must be true or false')),
  autoJoin: v.optional(v.boolean('must be true or false')),
  logger: v.optional(hasMethods('debug', 'log', 'warn', 'error')),
  transport: v.optional(isFunction),
  clock: v.optional(hasMethods('now', 'setTimer', 'afterPoll')),
  random: v.optional(isFunction),
});

/**
 * Checks options at the door and fills in every default.
 *
 * @throws InvalidOptionError that names the option, its value and what is allowed
 */
export function resolveOptions(options: ClusterOptions = {}): ResolvedOptions {
  const mistake = mistakeIn(schema, options);
  if (mistake !== undefined) throw new InvalidOptionError(mistake.path, mistake.problem);
  const security = checkedSecurity(options.security);
  const enabled = options.enabled ?? true;
  const testRun = options.discovery === undefined && isTestRun();
  const discovery = enabled ? (options.discovery ?? (testRun ? undefined : loopback())) : undefined;
  const host = options.host ?? '127.0.0.1';
  if (enabled) checkReach(options, host, discovery);
  const swim = checkedSwim(options);
  const limits = resolveLimits(options.limits ?? {}, swim);
  return {
    clusterName: options.clusterName ?? defaultClusterName(),
    nodeName: options.nodeName ?? defaultNodeName(),
    host,
    port:
      options.port ??
      (discovery === undefined ? 0 : discovery.portRange === undefined ? DEFAULT_PORT : undefined),
    advertise: advertised(options.advertise),
    discovery,
    swim,
    metadata: options.metadata ?? {},
    security,
    serializer: options.serializer ?? messagePack(limits),
    limits,
    requestTimeoutMs: options.requestTimeoutMs ?? 5000,
    drainTimeoutMs: options.drainTimeoutMs ?? 10_000,
    enabled,
    // In virtual time a node that waits for a file would stand still, or its clock would run ahead.
    tracing: options.tracing ?? options.clock === undefined,
    autoJoin: options.autoJoin ?? true,
    logger: options.logger ?? silentLogger,
    transport: options.transport,
    clock: options.clock,
    random: options.random,
    warnings: enabled ? warningsAbout(options, discovery?.name) : [],
  };
}

/** A node that nobody can reach, or that anybody can, is a mistake unless it was written out. */
function checkReach(options: ClusterOptions, host: string, discovery: ResolvedOptions['discovery']): void {
  const onLoopback = isLoopbackHost(host);
  if (!onLoopback && options.security === undefined) {
    throw new InvalidOptionError(
      'host',
      `is "${clip(host)}", where others than this machine can connect, but nothing secures the cluster: set security: { secrets: [...] } ("npx clusterpack keygen" makes one), write security: 'none' if the network itself is trusted, or listen on 127.0.0.1`,
    );
  }
  if (
    onLoopback &&
    discovery !== undefined &&
    discovery.loopbackOnly !== true &&
    options.transport === undefined
  ) {
    throw new InvalidOptionError(
      'discovery',
      `"${discovery.name}" finds nodes on other machines, but the node listens on ${host}, where they cannot reach it: set host, for example '0.0.0.0'`,
    );
  }
}

/**
 * Fills in the parameters that are not given.
 *
 * @throws InvalidOptionError when they do not fit each other
 */
export function checkedSwim(options: Pick<ClusterOptions, 'preset' | 'swim'>): SwimOptions {
  const swim = resolveSwimOptions(options.preset, options.swim);
  if (swim.probeTimeoutMs >= swim.probeIntervalMs) {
    throw new InvalidOptionError(
      'swim.probeTimeoutMs',
      `is ${swim.probeTimeoutMs}, but must be below probeIntervalMs (${swim.probeIntervalMs}), since the relays answer within the rest of it`,
    );
  }
  return swim;
}

function warningsAbout(options: ClusterOptions, discovery: string | undefined): string[] {
  const warnings: string[] = [];
  if (
    process.env['NODE_ENV'] === 'production' &&
    options.discovery === undefined &&
    discovery === 'loopback'
  ) {
    warnings.push(
      'NODE_ENV is production and no discovery is set: this node finds processes on this machine only. Set "discovery" (for example seeds(…)), or loopback() if that is meant',
    );
  }
  if (options.security === 'none' && options.host !== undefined && !isLoopbackHost(options.host)) {
    warnings.push(`security is 'none' on ${options.host}: whoever reaches the port can join and send`);
  }
  const migrate = typeof options.security === 'object' ? options.security.migrate : undefined;
  if (migrate !== undefined) {
    warnings.push(
      `security.migrate is '${migrate}': plaintext connections are accepted, so whoever reaches the port can join. Go on to the next step`,
    );
  }
  return warnings;
}

function advertised(advertise: ClusterOptions['advertise']): ResolvedOptions['advertise'] {
  const given = typeof advertise === 'string' ? parseAdvertised(advertise) : (advertise ?? {});
  if (given.host !== undefined && isUnspecifiedHost(given.host)) {
    throw new InvalidOptionError(
      'advertise',
      `is "${given.host}", which nobody can dial: name one address of this machine`,
    );
  }
  return given;
}

function parseAdvertised(text: string): ResolvedOptions['advertise'] {
  if (isHost(text)) return { host: text };
  try {
    const address = parseAddress(text);
    if (address.port > 0) return address;
  } catch (cause) {
    if (!(cause instanceof InvalidAddressError)) throw cause;
  }
  throw new InvalidOptionError(
    'advertise',
    `is ${show(text)}, but ${ADVERTISE}, with a port from 1 to 65535`,
  );
}
