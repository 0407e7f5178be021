import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { webcrypto } from 'node:crypto';
import type { TlsOptions } from 'clusterpack/core';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** Long enough that no node warns that it ends soon. */
const VALID_MS = 30 * 24 * 3_600_000;

/** An authority that lives for one run, and a certificate for each of these names (P-256, as most have today). */
export async function certificates(...names: readonly string[]): Promise<Record<string, TlsOptions>> {
  const keys = await generateKeys();
  const authority = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name: 'CN=Benchmark',
      ...validity(),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      ],
    },
    webcrypto,
  );
  const issue = async (name: string, index: number): Promise<[string, TlsOptions]> => {
    const own = await generateKeys();
    const certificate = await x509.X509CertificateGenerator.create(
      {
        serialNumber: (index + 2).toString(16).padStart(2, '0'),
        subject: `CN=${name}`,
        issuer: authority.subject,
        ...validity(),
        signingAlgorithm: ALGORITHM,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new x509.BasicConstraintsExtension(false),
          new x509.ExtendedKeyUsageExtension([
            x509.ExtendedKeyUsage.serverAuth,
            x509.ExtendedKeyUsage.clientAuth,
          ]),
          new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }]),
        ],
      },
      webcrypto,
    );
    const pem = { ca: authority.toString('pem'), cert: certificate.toString('pem') };
    return [name, { ...pem, key: await pemOf(own.privateKey) }];
  };
  return Object.fromEntries(await Promise.all(names.map(issue)));
}

function validity(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - VALID_MS), notAfter: new Date(Date.now() + VALID_MS) };
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = bytes.toString('base64').match(/.{1,64}/g)!;
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}
