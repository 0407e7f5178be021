import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { webcrypto } from 'node:crypto';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 3_600_000;

/** A certificate and its private key, in PEM. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

/** What a test certificate says. */
export interface CertificateOptions {
  /** Subject alternative names (DNS). */
  readonly names?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** An RSA key of so many bits. Default: a key on P-256. */
  readonly rsaBits?: number;
  /** Uses that it is restricted to. Default: both sides of TLS. */
  readonly usage?: readonly ('server' | 'client')[];
}

/** An authority that exists for one test. */
export class TestAuthority {
  #serial = 1;

  private constructor(
    readonly cert: string,
    private readonly certificate: x509.X509Certificate,
    private readonly keys: webcrypto.CryptoKeyPair,
  ) {}

  static async make(name = 'Test CA'): Promise<TestAuthority> {
    const keys = await generateKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned(
      {
        serialNumber: '01',
        name: `CN=${name}`,
        ...validity({}),
        signingAlgorithm: ALGORITHM,
        keys,
        extensions: [
          new x509.BasicConstraintsExtension(true, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        ],
      },
      webcrypto,
    );
    return new TestAuthority(certificate.toString('pem'), certificate, keys);
  }

  /** Another authority, which this one vouches for. */
  async deputy(name: string): Promise<TestAuthority> {
    const keys = await generateKeys();
    const certificate = await x509.X509CertificateGenerator.create(
      {
        serialNumber: (++this.#serial).toString(16).padStart(2, '0'),
        subject: `CN=${name}`,
        issuer: this.certificate.subject,
        ...validity({}),
        signingAlgorithm: ALGORITHM,
        publicKey: keys.publicKey,
        signingKey: this.keys.privateKey,
        extensions: [
          new x509.BasicConstraintsExtension(true, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        ],
      },
      webcrypto,
    );
    return new TestAuthority(`${certificate.toString('pem')}\n`, certificate, keys);
  }

  /** A certificate for these names; by default it is valid now. */
  async issue(options: CertificateOptions): Promise<Credentials> {
    const keys = await generateKeys(options.rsaBits);
    const { names = [], usage = ['server', 'client'] } = options;
    const uses = usage.map((use) => x509.ExtendedKeyUsage[use === 'server' ? 'serverAuth' : 'clientAuth']);
    const certificate = await x509.X509CertificateGenerator.create(
      {
        serialNumber: (++this.#serial).toString(16).padStart(2, '0'),
        subject: `CN=${names[0] ?? 'nobody'}`,
        issuer: this.certificate.subject,
        ...validity(options),
        signingAlgorithm: ALGORITHM,
        publicKey: keys.publicKey,
        signingKey: this.keys.privateKey,
        extensions: [
          new x509.BasicConstraintsExtension(false),
          new x509.ExtendedKeyUsageExtension(uses),
          ...(names.length === 0
            ? []
            : [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value })))]),
        ],
      },
      webcrypto,
    );
    return { cert: `${certificate.toString('pem')}\n`, key: await pemOf(keys.privateKey) };
  }

  /** A list of these certificates as revoked. */
  async revoke(...revoked: readonly Credentials[]): Promise<string> {
    const list = await x509.X509CrlGenerator.create(
      {
        issuer: this.certificate.subject,
        thisUpdate: new Date(Date.now() - DAY_MS),
        nextUpdate: new Date(Date.now() + DAY_MS),
        entries: revoked.map(({ cert }) => ({
          serialNumber: new x509.X509Certificate(cert).serialNumber,
          revocationDate: new Date(Date.now() - DAY_MS),
        })),
        signingAlgorithm: ALGORITHM,
        signingKey: this.keys.privateKey,
      },
      webcrypto,
    );
    return `${list.toString('pem').replaceAll(' CRL-', ' X509 CRL-')}\n`;
  }
}

function validity({ notBefore, notAfter }: CertificateOptions): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: notBefore ?? new Date(Date.now() - 2 * DAY_MS),
    notAfter: notAfter ?? new Date(Date.now() + 30 * DAY_MS),
  };
}

async function generateKeys(rsaBits?: number): Promise<webcrypto.CryptoKeyPair> {
  const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: Uint8Array.of(1, 0, 1) };
  if (rsaBits !== undefined)
    return webcrypto.subtle.generateKey({ ...rsa, modulusLength: rsaBits }, true, ['sign', 'verify']);
  return await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', key);
  const lines = Buffer.from(bytes)
    .toString('base64')
    .match(/.{1,64}/g)!;
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}
