import { InvalidOptionError } from '../../errors.js';
import type { PemSource, TlsOptions } from '../../transport/tcp/tls/certificates.js';
import { checkSecret, copyOf, type Secret } from '../../transport/tcp/tls/secrets.js';
import type { MigrationStep } from '../../transport/tcp/tls/tls-security.js';
import { unknownOption } from '../option-errors.js';

/**
 * What secures a cluster; the same for all its members.
 *
 * - `{ secrets }`: TLS with a secret that all members share. Whoever has it is a member; members trust each other.
 * - `{ tls }`: mutual TLS. A member's certificate says which names it may have, so none can speak as another.
 * - `'none'`: plaintext; whoever reaches the port can join. To be written out where the node listens on other
 *   addresses than loopback.
 *
 * @publicApi
 */
export type SecurityOptions = 'none' | SecretSecurityOptions | TlsSecurityOptions;

/** Security by shared secrets. @publicApi */
export interface SecretSecurityOptions {
  /**
   * The first one dials, each of them is accepted (at most 8), so that secrets are changed in three steps without a stop:
   * `[old, new]` everywhere, then `[new, old]` everywhere, then `[new]`; see `rotateSecrets`.
   */
  readonly secrets: readonly Secret[];
  /** Certificates are the other way. */
  readonly tls?: undefined;
  /** See {@link MigrationStep}. Default: plaintext is neither spoken nor accepted. */
  readonly migrate?: MigrationStep | undefined;
}

/** Security by certificates. @publicApi */
export interface TlsSecurityOptions {
  /** Authority, certificate and key. */
  readonly tls: TlsOptions;
  /** Secrets are the other way. */
  readonly secrets?: undefined;
  /** See {@link MigrationStep}. Default: plaintext is neither spoken nor accepted. */
  readonly migrate?: MigrationStep | undefined;
}

const MAX_SECRETS = 8;
const FORM = "must be { secrets: [...] }, { tls: { ca, cert, key } }, or 'none'";
const TLS_KEYS = ['ca', 'cert', 'key', 'passphrase', 'crl', 'checkName', 'reloadIntervalMs'];

/**
 * Checks what was written under `security`, as far as that goes without reading files.
 *
 * @returns undefined when nothing was
 * @throws InvalidOptionError that names the option, and never shows a value
 */
export function checkedSecurity(given: unknown): SecurityOptions | undefined {
  if (given === undefined || given === 'none') return given;
  if (!isRecord(given)) throw new InvalidOptionError('security', `is ${redacted(given)}, but ${FORM}`);
  checkKeys('security', given, ['secrets', 'tls', 'migrate']);
  if ((given['secrets'] === undefined) === (given['tls'] === undefined)) {
    throw new InvalidOptionError('security', `has neither or both of "secrets" and "tls", but ${FORM}`);
  }
  const { migrate } = given;
  if (!isMigration(migrate)) {
    throw new InvalidOptionError(
      'security.migrate',
      `is ${redacted(migrate)}, but must be "accept-plaintext" or "dial-secure", or left out`,
    );
  }
  const { secrets, tls } = given;
  if (tls === undefined) {
    checkSecrets(secrets, 'security.secrets');
    return { secrets: secrets.map(copyOf), migrate };
  }
  checkTls(tls);
  return { tls: ownCopy(tls), migrate };
}

/** What the caller gave may be wiped or changed after the call. */
function ownCopy(tls: TlsOptions): TlsOptions {
  const { ca, crl, cert, key } = tls;
  const copies = { ca: copiesOfPem(ca), crl: crl === undefined ? undefined : copiesOfPem(crl) };
  return { ...tls, ...copies, cert: copyOfPem(cert), key: copyOfPem(key) };
}

function copiesOfPem(sources: TlsOptions['ca']): readonly PemSource[] {
  return typeof sources === 'string' || sources instanceof Uint8Array
    ? [copyOfPem(sources)]
    : sources.map(copyOfPem);
}

function copyOfPem(source: PemSource): PemSource {
  return typeof source === 'string' ? source : Uint8Array.from(source);
}

/** @throws InvalidOptionError for what are no secrets, or too few or too many */
export function checkSecrets(given: unknown, option: string): asserts given is readonly Secret[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > MAX_SECRETS) {
    throw new InvalidOptionError(
      option,
      `must be an array of 1 to ${MAX_SECRETS} secrets, the current one first`,
    );
  }
  // A hole in the array is an entry, too.
  Array.from(given as unknown[]).forEach((secret, i) => {
    const path = `${option}.${i}`;
    if (secret === undefined || secret === '') {
      throw new InvalidOptionError(path, 'is empty: is the environment variable set that it comes from?');
    }
    checkSecret(secret, path);
  });
}

function checkTls(given: unknown): asserts given is TlsOptions {
  const option = 'security.tls';
  if (!isRecord(given))
    throw new InvalidOptionError(option, `is ${redacted(given)}, but must be { ca, cert, key }`);
  checkKeys(option, given, TLS_KEYS);
  checkSources(given['ca'], `${option}.ca`);
  if (given['crl'] !== undefined) checkSources(given['crl'], `${option}.crl`);
  for (const key of ['cert', 'key']) checkSource(given[key], `${option}.${key}`);
  const { passphrase, checkName, reloadIntervalMs } = given;
  if (passphrase !== undefined && typeof passphrase !== 'string')
    throw new InvalidOptionError(`${option}.passphrase`, 'must be a text');
  if (checkName !== undefined && typeof checkName !== 'function')
    throw new InvalidOptionError(
      `${option}.checkName`,
      'must be a function (nodeName, certificate) => boolean',
    );
  const isInterval =
    typeof reloadIntervalMs === 'number' && reloadIntervalMs >= 0 && reloadIntervalMs < 2 ** 31;
  if (reloadIntervalMs !== undefined && !isInterval) {
    throw new InvalidOptionError(
      `${option}.reloadIntervalMs`,
      'must be a number of milliseconds below 2^31; 0 never looks',
    );
  }
}

function isMigration(given: unknown): given is MigrationStep | undefined {
  return given === 'accept-plaintext' || given === 'dial-secure' || given === undefined;
}

function checkSources(given: unknown, option: string): void {
  if (!Array.isArray(given)) return checkSource(given, option);
  if (given.length === 0) throw new InvalidOptionError(option, 'is empty');
  given.forEach((each, i) => checkSource(each, `${option}.${i}`));
}

function checkSource(given: unknown, option: string): void {
  if ((typeof given === 'string' || given instanceof Uint8Array) && given.length > 0) return;
  throw new InvalidOptionError(
    option,
    `is ${redacted(given)}, but must be PEM (text or bytes) or the path of a file`,
  );
}

function checkKeys(option: string, given: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  for (const key of Object.keys(given))
    if (!known.includes(key)) throw unknownOption(`${option}.${key}`, key, known);
}

function isRecord(given: unknown): given is Record<string, unknown> {
  return (
    typeof given === 'object' && given !== null && !Array.isArray(given) && !(given instanceof Uint8Array)
  );
}

/** A value that may be secret, for an error. */
function redacted(value: unknown): string {
  if (value === undefined || value === null || value === '') return value === '' ? 'empty' : String(value);
  if (typeof value === 'string') return `[redacted, ${Buffer.byteLength(value)} bytes]`;
  if (value instanceof Uint8Array) return `[redacted, ${value.length} bytes]`;
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
