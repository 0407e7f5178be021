import {
  BindError,
  InvalidAddressError,
  InvalidMetadataError,
  InvalidOptionError,
  loopback,
  parseAddress,
  seeds,
} from 'clusterpack';
import type { ClusterMetadata, ClusterOptions, Discovery, SwimPreset } from 'clusterpack';
import { EnvironmentError } from './environment-error.js';
import { readSecurity } from './security-environment.js';

/** What the environment asks for, checked. */
export interface Environment {
  readonly http: { readonly host: string; readonly port: number };
  readonly cluster: ClusterOptions;
  /** Whether requests under /debug may make the process misbehave. */
  readonly debug: boolean;
}

/** Which variable sets an option of the library, so that its complaints can name it. */
const VARIABLES: Readonly<Record<string, string>> = {
  clusterName: 'CLUSTER_NAME',
  nodeName: 'NODE_NAME',
  host: 'CLUSTER_HOST',
  port: 'CLUSTER_PORT',
  advertise: 'CLUSTER_ADVERTISE',
  discovery: 'CLUSTER_SEEDS',
  metadata: 'NODE_METADATA',
  preset: 'CLUSTER_PRESET',
  'swim.probeIntervalMs': 'CLUSTER_PROBE_INTERVAL_MS',
  'swim.probeTimeoutMs': 'CLUSTER_PROBE_INTERVAL_MS',
  'security.secrets': 'CLUSTER_SECRETS',
  'security.tls': 'CLUSTER_TLS_CA, CLUSTER_TLS_CERT, CLUSTER_TLS_KEY',
  'security.tls.ca': 'CLUSTER_TLS_CA',
  'security.tls.cert': 'CLUSTER_TLS_CERT',
  'security.tls.key': 'CLUSTER_TLS_KEY',
  'security.migrate': 'CLUSTER_MIGRATE',
};

/** What the library complains about in the words of the environment; undefined if no variable is to blame. */
export function complaintAboutVariable(error: unknown): string | undefined {
  const variable = variableBehind(error);
  if (variable === undefined) return undefined;
  const { message } = error as Error;
  // What is suggested to set are options, in quotes; a person sets variables.
  const text = error instanceof BindError ? message.replaceAll(/"(\w+)"/g, variableInstead) : message;
  return `${variable}: ${text}`;
}

function variableBehind(error: unknown): string | undefined {
  // One of several is numbered: `security.secrets.0`.
  if (error instanceof InvalidOptionError) return VARIABLES[error.option.replace(/\.\d+$/, '')];
  if (error instanceof InvalidMetadataError) return 'NODE_METADATA';
  if (!(error instanceof BindError)) return undefined;
  // Without a cause every port of the range was tried.
  if (error.cause === undefined) return 'CLUSTER_PORT';
  return VARIABLES[partAtFault(error.cause) ?? ''];
}

function variableInstead(quoted: string, option: string): string {
  return VARIABLES[option] ?? quoted;
}

/** Which part of an address is why nothing can listen there; undefined if neither is. */
export function partAtFault(cause: unknown): 'host' | 'port' | undefined {
  switch ((cause as { code?: unknown } | undefined)?.code) {
    case 'EADDRINUSE':
    case 'EACCES':
    case 'EPERM':
      return 'port';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
      return 'host';
    default:
      return undefined;
  }
}

const PRESETS: readonly string[] = ['lan', 'wan', 'local'] satisfies SwimPreset[];
const MAX_PROBE_INTERVAL_MS = 3_600_000;

/**
 * Reads every variable of the application, here and nowhere else. A variable that is empty counts as unset, but for
 * `CLUSTER_SEEDS`, where empty means that there is nobody to join.
 *
 * @throws EnvironmentError that names the variable, its value and what is allowed
 */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const security = readSecurity(env);
  const host = readHost(env, security !== undefined);
  return {
    http: { host: env['HTTP_HOST'] || '127.0.0.1', port: readInteger(env, 'HTTP_PORT', 0, 65535) ?? 0 },
    cluster: {
      clusterName: readText(env, 'CLUSTER_NAME'),
      nodeName: readText(env, 'NODE_NAME'),
      host,
      port: readInteger(env, 'CLUSTER_PORT', 0, 65535),
      advertise: readAddress(env, 'CLUSTER_ADVERTISE'),
      discovery: readDiscovery(env, host),
      metadata: readMetadata(env),
      preset: readChoice(env, 'CLUSTER_PRESET', PRESETS) as SwimPreset | undefined,
      swim: readProbes(env),
      security,
    },
    debug: readInteger(env, 'SAMPLE_DEBUG', 0, 1) === 1,
  };
}

function readText(env: NodeJS.ProcessEnv, variable: string): string | undefined {
  const value = env[variable] || undefined;
  if (value !== undefined && value.length > 255) {
    throw new EnvironmentError(variable, `${value.slice(0, 32)}…`, 'at most 255 characters are');
  }
  return value;
}

function readInteger(env: NodeJS.ProcessEnv, variable: string, min: number, max: number): number | undefined {
  const value = env[variable];
  if (!value) return undefined;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new EnvironmentError(variable, value, `an integer from ${min} to ${max} is`);
}

function readChoice(
  env: NodeJS.ProcessEnv,
  variable: string,
  allowed: readonly string[],
): string | undefined {
  const value = env[variable];
  if (!value || allowed.includes(value)) return value || undefined;
  throw new EnvironmentError(variable, value, `one of ${allowed.join(', ')} is`);
}

function readAddress(env: NodeJS.ProcessEnv, variable: string): string | undefined {
  const value = env[variable];
  if (!value) return undefined;
  try {
    if (parseAddress(value).port > 0) return value;
  } catch (error) {
    if (!(error instanceof InvalidAddressError)) throw error;
  }
  throw new EnvironmentError(variable, value, 'host:port or [ipv6]:port with a port from 1 to 65535 is');
}

/** Other machines may connect only where something keeps strangers out, or where that is given up in so many words. */
function readHost(env: NodeJS.ProcessEnv, isDecided: boolean): string | undefined {
  const value = env['CLUSTER_HOST'];
  if (!value) return undefined;
  const onLoopback = isOnLoopback(value);
  if (onLoopback === undefined)
    throw new EnvironmentError('CLUSTER_HOST', value, 'an IP address or a host name is');
  if (onLoopback || isDecided) return value;
  throw new EnvironmentError(
    'CLUSTER_HOST',
    value,
    'a loopback address is; any is with CLUSTER_SECRETS, or with CLUSTER_TLS_CA, CLUSTER_TLS_CERT and CLUSTER_TLS_KEY, or, on a network that is trusted, with CLUSTER_INSECURE=1',
  );
}

/** Whether a host is on this machine; undefined if it is none. */
function isOnLoopback(host: string): boolean | undefined {
  try {
    return seeds(host.includes(':') ? `[${host}]` : host).loopbackOnly;
  } catch (error) {
    if (error instanceof InvalidAddressError) return undefined;
    throw error;
  }
}

/**
 * Unset: the processes on this machine. Set: those seeds; set and empty: none. Without `CLUSTER_PORT` the node takes
 * the first free port of the loopback range in each case.
 */
function readDiscovery(env: NodeJS.ProcessEnv, host = '127.0.0.1'): Discovery {
  const value = env['CLUSTER_SEEDS'];
  if (value === undefined) return loopback();
  const discovery = seedsOf(value);
  if (discovery.loopbackOnly === true || isOnLoopback(host) !== true) return discovery;
  throw new EnvironmentError(
    'CLUSTER_SEEDS',
    value,
    `only this machine is while CLUSTER_HOST is ${host}, where others cannot reach this node`,
  );
}

function seedsOf(value: string): Discovery {
  const texts = value.split(',').filter((text) => text.trim() !== '');
  try {
    return { ...seeds(texts), portRange: loopback().portRange };
  } catch (error) {
    if (!(error instanceof InvalidAddressError)) throw error;
    throw new EnvironmentError('CLUSTER_SEEDS', value, 'host:port, separated by commas, is (empty for none)');
  }
}

function readMetadata(env: NodeJS.ProcessEnv): ClusterMetadata | undefined {
  const value = env['NODE_METADATA'];
  if (!value) return undefined;
  try {
    const metadata: unknown = JSON.parse(value);
    if (typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)) {
      return metadata as ClusterMetadata;
    }
  } catch {
    // What is no JSON at all is as wrong as JSON of another shape.
  }
  throw new EnvironmentError('NODE_METADATA', value, 'a JSON object, for example {"zone":"a"}, is');
}

/** A shorter interval needs a shorter timeout: relays answer in what the direct ping leaves of the interval. */
function readProbes(env: NodeJS.ProcessEnv): ClusterOptions['swim'] {
  const probeIntervalMs = readInteger(env, 'CLUSTER_PROBE_INTERVAL_MS', 10, MAX_PROBE_INTERVAL_MS);
  if (probeIntervalMs === undefined) return undefined;
  const presetTimeoutMs = { lan: 500, wan: 3000, local: 200 }[env['CLUSTER_PRESET'] || 'lan'] ?? 500;
  return { probeIntervalMs, probeTimeoutMs: Math.min(presetTimeoutMs, Math.ceil(probeIntervalMs / 2)) };
}
