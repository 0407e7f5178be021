import type { MigrationStep, Secret, SecurityOptions, TlsOptions } from 'clusterpack';
import { EnvironmentError } from './environment-error.js';

const TLS_VARIABLES = ['CLUSTER_TLS_CA', 'CLUSTER_TLS_CERT', 'CLUSTER_TLS_KEY'] as const;
const MIGRATIONS: readonly string[] = ['accept-plaintext', 'dial-secure'] satisfies MigrationStep[];
const PASSPHRASE = 'passphrase:';

/**
 * What secures the cluster: `CLUSTER_SECRETS`, or the three files of `CLUSTER_TLS_*`, or nothing, with
 * `CLUSTER_INSECURE=1`. Undefined when none is set, which keeps the node on loopback.
 *
 * @throws EnvironmentError for variables that exclude each other or miss another; it never shows a secret
 */
export function readSecurity(env: NodeJS.ProcessEnv): SecurityOptions | undefined {
  if (env['CLUSTER_SECRET'])
    throw new EnvironmentError('CLUSTER_SECRET', undefined, 'is not read: the variable is CLUSTER_SECRETS');
  const insecure = readInsecure(env);
  const ways = [
    ...(insecure ? ['CLUSTER_INSECURE'] : []),
    ...(env['CLUSTER_SECRETS'] ? ['CLUSTER_SECRETS'] : []),
    ...TLS_VARIABLES.filter((variable) => env[variable]).slice(0, 1),
  ];
  if (ways.length > 1) {
    throw new EnvironmentError(
      ways.join(' and '),
      undefined,
      'exclude each other: a cluster is secured by secrets, or by certificates, or by nothing',
    );
  }
  const migrate = readMigration(env);
  if (env['CLUSTER_SECRETS']) return { secrets: readSecrets(env['CLUSTER_SECRETS']), migrate };
  const tls = readTls(env);
  if (tls !== undefined) return { tls, migrate };
  if (migrate !== undefined) {
    throw new EnvironmentError(
      'CLUSTER_MIGRATE',
      migrate,
      `it says how to get to CLUSTER_SECRETS or ${TLS_VARIABLES.join(', ')}, and none of these is set`,
    );
  }
  return insecure ? 'none' : undefined;
}

function readInsecure(env: NodeJS.ProcessEnv): boolean {
  const value = env['CLUSTER_INSECURE'];
  if (!value || value === '0' || value === '1') return value === '1';
  throw new EnvironmentError('CLUSTER_INSECURE', value, 'one of 0, 1 is');
}

function readMigration(env: NodeJS.ProcessEnv): MigrationStep | undefined {
  const value = env['CLUSTER_MIGRATE'];
  if (!value) return undefined;
  if (MIGRATIONS.includes(value)) return value as MigrationStep;
  throw new EnvironmentError('CLUSTER_MIGRATE', value, `one of ${MIGRATIONS.join(', ')} is`);
}

/**
 * Separated by commas or blanks, the current one first. A passphrase may have both in it, so it has a line of its own,
 * after `passphrase:`.
 */
function readSecrets(value: string): readonly Secret[] {
  const lines = value.split('\n').map((line) => line.trim());
  const secrets = lines.flatMap((line): readonly Secret[] =>
    line.startsWith(PASSPHRASE)
      ? [{ passphrase: line.slice(PASSPHRASE.length).trim() }]
      : line.split(/[\s,]+/).filter((word) => word !== ''),
  );
  if (secrets.length === 0) throw new EnvironmentError('CLUSTER_SECRETS', undefined, 'has no secret in it');
  if (secrets.some((secret) => typeof secret === 'string' && secret.startsWith(PASSPHRASE))) {
    throw new EnvironmentError(
      'CLUSTER_SECRETS',
      undefined,
      `has a passphrase beside something else: "${PASSPHRASE}…" is the whole of a line`,
    );
  }
  return secrets;
}

function readTls(env: NodeJS.ProcessEnv): TlsOptions | undefined {
  const missing = TLS_VARIABLES.filter((variable) => !env[variable]);
  if (missing.length === TLS_VARIABLES.length) return undefined;
  if (missing.length > 0) {
    throw new EnvironmentError(
      missing.join(' and '),
      undefined,
      `${missing.length > 1 ? 'are' : 'is'} not set: ${TLS_VARIABLES.join(', ')} belong together`,
    );
  }
  const [ca, cert, key] = TLS_VARIABLES.map((variable) => env[variable]!) as [string, string, string];
  return { ca, cert, key };
}
