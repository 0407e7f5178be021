import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { InvalidOptionError } from '../../../errors.js';

/** PEM as text or bytes, or the path of a file that has it. */
export type PemSource = string | Uint8Array;

/**
 * Certificates of a cluster whose members prove by name who they are.
 *
 * @publicApi
 */
export interface TlsOptions {
  /** The authorities whose certificates are trusted: only these, never the system's. PEM, or the path of a file. */
  readonly ca: PemSource | readonly PemSource[];
  /** This node's own certificate, with those that lead to the authority behind it. */
  readonly cert: PemSource;
  /** Its private key. */
  readonly key: PemSource;
  /** Opens an encrypted private key. */
  readonly passphrase?: string | undefined;
  /** Lists of revoked certificates; with them, each authority needs one. Default: none. */
  readonly crl?: PemSource | readonly PemSource[] | undefined;
  /**
   * Whether a certificate may speak for a member of this name. Default: one of its subject alternative names (DNS) is
   * the name, without wildcards.
   */
  readonly checkName?: ((nodeName: string, certificate: X509Certificate) => boolean) | undefined;
  /**
   * How often files are looked at for new contents, in milliseconds; 0 never does. Default: 10,000. `reloadTls()` does it
   * at once.
   */
  readonly reloadIntervalMs?: number | undefined;
}

/** Contents of all sources, read and found to fit each other. */
export interface Certificates {
  readonly ca: readonly string[];
  readonly crl: readonly string[];
  readonly cert: string;
  readonly key: string;
  readonly own: X509Certificate;
}

const OPTION = 'security.tls';
/** Files larger than this are no certificates. */
const MAX_BYTES = 1024 * 1024;

/** Whether any of it comes from a file, so that it can change. */
export function hasFiles(options: TlsOptions): boolean {
  return [...listOf(options.ca), ...listOf(options.crl), options.cert, options.key].some(isPath);
}

/**
 * Reads and checks all sources.
 *
 * @throws InvalidOptionError that names the option and the file, and nothing of what is in it
 */
export async function loadCertificates(options: TlsOptions): Promise<Certificates> {
  const [ca, crl, cert, key] = await Promise.all([
    readAll(options.ca, 'ca'),
    readAll(options.crl, 'crl'),
    read(options.cert, `${OPTION}.cert`),
    read(options.key, `${OPTION}.key`),
  ]);
  const certificates = { ca, crl, cert, key, own: parsed(cert, `${OPTION}.cert`) };
  for (const each of ca) parsed(each, `${OPTION}.ca`);
  try {
    createSecureContext({ ca: [...ca], cert, key, passphrase: options.passphrase, ...crlOf(certificates) });
  } catch (cause) {
    throw new InvalidOptionError(OPTION, `cannot be used: ${problemOf(cause)}`);
  }
  return certificates;
}

/** Whether two readings brought the same. */
export function sameCertificates(a: Certificates, b: Certificates): boolean {
  const text = ({ ca, crl, cert, key }: Certificates) => JSON.stringify([ca, crl, cert, key]);
  return text(a) === text(b);
}

/** The option of Node's TLS for revoked certificates, where there are any lists. */
export function crlOf({ crl }: Pick<Certificates, 'crl'>): { crl?: string[] } {
  return crl.length > 0 ? { crl: [...crl] } : {};
}

async function readAll(sources: TlsOptions['crl'], name: string): Promise<string[]> {
  return Promise.all(
    listOf(sources).map((source, i, { length }) =>
      read(source, length > 1 ? `${OPTION}.${name}.${i}` : `${OPTION}.${name}`),
    ),
  );
}

async function read(source: PemSource, option: string): Promise<string> {
  if (!isPath(source)) return textOf(source);
  try {
    const bytes = await readFile(source);
    if (bytes.length <= MAX_BYTES && bytes.includes('-----BEGIN')) return textOf(bytes);
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    throw new InvalidOptionError(option, `cannot be read from the file it names (${String(code)})`);
  }
  throw new InvalidOptionError(option, 'names a file without PEM ("-----BEGIN …") in it');
}

function parsed(pem: string, option: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new InvalidOptionError(option, 'is not a certificate in PEM ("-----BEGIN CERTIFICATE-----")');
  }
}

/** OpenSSL's words about what does not fit; they never contain a key. */
function problemOf(cause: unknown): string {
  const { code, message } = cause as { code?: string; message?: string };
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') return 'the private key belongs to another certificate';
  if (code === 'ERR_MISSING_PASSPHRASE' || code === 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED')
    return 'the private key is encrypted and "passphrase" is missing';
  if (code === 'ERR_OSSL_BAD_DECRYPT') return 'the passphrase does not open the private key';
  return (code ?? message ?? 'unknown').replaceAll(/\s+/g, ' ');
}

function isPath(source: PemSource): source is string {
  return typeof source === 'string' && !source.includes('-----BEGIN');
}

function textOf(source: PemSource): string {
  return typeof source === 'string' ? source : Buffer.from(source).toString('utf8');
}

function listOf(sources: TlsOptions['crl']): readonly PemSource[] {
  if (sources === undefined) return [];
  return typeof sources === 'string' || sources instanceof Uint8Array ? [sources] : sources;
}
