import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { InvalidOptionError } from '../../../errors.js';

/** PEM as text or bytes, or the path of a file that has it. @publicApi */
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
   * the name, in letters, digits, `.`, `-` and `_`, with upper and lower case as they are, and without wildcards.
   */
  readonly checkName?: ((nodeName: string, certificate: X509Certificate) => boolean) | undefined;
  /**
   * How often files are looked at for new contents, in milliseconds. Default: 10,000. 0: only `reloadTls()` does, which
   * does it at once in any case.
   */
  readonly reloadIntervalMs?: number | undefined;
}

/** Contents of all sources, read and found to fit each other; one text for each certificate and each list. */
export interface Certificates {
  readonly ca: readonly string[];
  readonly crl: readonly string[];
  /** This node's own, and those that lead to an authority. */
  readonly cert: string;
  readonly key: string;
  readonly own: X509Certificate;
  /** The same certificates, to look into. */
  readonly chain: readonly X509Certificate[];
  readonly authorities: readonly X509Certificate[];
}

/** For TLS 1.3 it chooses no cipher; it refuses keys and signatures below 112 bits (RSA below 2,048). */
export const STRENGTH = 'DEFAULT:@SECLEVEL=2';

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
  const chain = blocksOf(cert).map((block) => parsed(block, `${OPTION}.cert`));
  const authorities = ca.map((block) => parsed(block, `${OPTION}.ca`));
  const certificates = { ca, crl, cert, key, own: chain[0]!, chain, authorities };
  try {
    const { passphrase } = options;
    createSecureContext({ ca: [...ca], cert, key, passphrase, ...crlOf(certificates), ciphers: STRENGTH });
  } catch (cause) {
    throw new InvalidOptionError(OPTION, `cannot be used: ${reasonOf(cause)}`);
  }
  return certificates;
}

/** Both ends of each connection show their certificate, so it has to be good for both. */
const USES = [
  ['serverAuth', '1.3.6.1.5.5.7.3.1'],
  ['clientAuth', '1.3.6.1.5.5.7.3.2'],
] as const;
/** An authority is no more steps away than this. */
const MAX_CHAIN = 10;

/** Why nobody with the same authorities would accept this node's certificate; undefined when they would. */
export function problemOf({ own, chain, authorities }: Certificates): string | undefined {
  const uses = own.keyUsage as readonly string[] | undefined;
  for (const [name, id] of USES) {
    if (uses !== undefined && !uses.includes(id))
      return `has an extended key usage without ${name}: members both dial and are dialled`;
  }
  let last = own;
  for (let steps = 0; steps < MAX_CHAIN; steps++) {
    if (authorities.some((authority) => isIssuedBy(last, authority))) return undefined;
    const next = chain.find((each) => each !== last && isIssuedBy(last, each));
    if (next === undefined) break;
    last = next;
  }
  return 'does not come from an authority in "ca", or lacks the certificates in between: put them behind it';
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
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

/** Node reads only the first list of a text, and stops at a certificate that is broken: each gets a text of its own. */
async function readAll(sources: TlsOptions['crl'], name: string): Promise<string[]> {
  const texts = await Promise.all(
    listOf(sources).map((source, i, { length }) =>
      read(source, length > 1 ? `${OPTION}.${name}.${i}` : `${OPTION}.${name}`),
    ),
  );
  return texts.flatMap(blocksOf);
}

function blocksOf(pem: string): string[] {
  const blocks = pem.split(/^(?=-----BEGIN )/m).filter((block) => block.startsWith('-----BEGIN '));
  return blocks.length > 0 ? blocks : [pem];
}

async function read(source: PemSource, option: string): Promise<string> {
  if (!isPath(source)) return textOf(source);
  try {
    const { size } = await stat(source);
    if (size > MAX_BYTES)
      throw new InvalidOptionError(option, `names a file of ${size} bytes; at most ${MAX_BYTES} are read`);
    const bytes = await readFile(source);
    if (bytes.includes('-----BEGIN')) return textOf(bytes);
  } catch (cause) {
    if (cause instanceof InvalidOptionError) throw cause;
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
function reasonOf(cause: unknown): string {
  const { code, message } = cause as { code?: string; message?: string };
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') return 'the private key belongs to another certificate';
  if (code !== undefined && /KEY_TOO_SMALL|MD_TOO_WEAK/.test(code))
    return 'a key is too short or a signature too weak (RSA needs 2048 bits, and SHA-256 or better)';
  if (code === 'ERR_OSSL_CRYPTO_OPERATION_FAILED' || code === 'ERR_CRYPTO_OPERATION_FAILED')
    return 'one of the lists in "crl" is none';
  if (code === 'ERR_MISSING_PASSPHRASE' || code === 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED')
    return 'the private key is encrypted and "passphrase" is missing';
  if (code === 'ERR_OSSL_BAD_DECRYPT')
    return 'the private key is encrypted, and "passphrase" is missing or wrong';
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
