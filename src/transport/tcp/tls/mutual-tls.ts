import { constants, type X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  connect,
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from 'node:tls';
import { clip } from '../../../errors.js';
import type { LinkCredentials } from '../../link.js';
import { crlOf, STRENGTH, type Certificates, type TlsOptions } from './certificates.js';
import { codeOf, type Objection, type TlsScheme } from './tls-security.js';

const VERSION = 'TLSv1.3';

/** What the codes of OpenSSL's verification mean, by the side whose certificate it is. */
const FAULTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet (are the clocks right?)',
  CERT_REVOKED: 'is revoked',
  UNABLE_TO_GET_CRL: 'cannot be checked, since its authority has no revocation list here',
  CRL_HAS_EXPIRED: 'cannot be checked, since the revocation list has expired',
  INVALID_PURPOSE: 'is not meant for this use (extended key usage)',
};
const WRONG_CA = 'comes from another authority (wrong CA)';

/** Certificates on both sides. They prove for which names the other side may speak. */
export class MutualTls implements TlsScheme {
  revision = 0;
  readonly #options: TlsOptions;
  #certificates: Certificates;
  /** What all dials with these certificates share: to parse them again takes a third of a handshake. */
  #dialling: SecureContext | undefined;
  /** Counts up when what was trusted before may not be any more. */
  #trust = 0;
  /** What counted when each handshake began, which it was verified by. */
  readonly #verifiedBy = new WeakMap<TLSSocket, number>();

  constructor(options: TlsOptions, certificates: Certificates) {
    this.#options = options;
    this.#certificates = certificates;
  }

  get certificates(): Certificates {
    return this.#certificates;
  }

  /** Takes other certificates for connections to come. Says whether older ones have to prove themselves anew. */
  replace(certificates: Certificates): boolean {
    const before = this.#certificates;
    this.#certificates = certificates;
    this.#dialling = undefined;
    this.revision++;
    const isSame = (a: readonly string[], b: readonly string[]) => a.join() === b.join();
    if (isSame(before.ca, certificates.ca) && isSame(before.crl, certificates.crl)) return false;
    this.#trust++;
    return true;
  }

  connect(socket: Socket): TLSSocket {
    const tls = connect({
      secureContext: (this.#dialling ??= createSecureContext(this.#context())),
      socket,
      rejectUnauthorized: true,
      // Whom it stands for is checked when it says who it is.
      checkServerIdentity: () => undefined,
    });
    this.#verifiedBy.set(tls, this.#trust);
    return tls;
  }

  createServer(): Server {
    // An unauthorized one is refused by `examine`, which can say why: TLS itself would close without a word.
    const server = createServer({ ...this.#context(), requestCert: true, rejectUnauthorized: false });
    const trust = this.#trust;
    server.on('secureConnection', (tls) => void this.#verifiedBy.set(tls, trust));
    return server;
  }

  examine(socket: TLSSocket): LinkCredentials | Objection {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined)
      return { objection: 'it has no certificate', told: 'your node has no certificate' };
    if (!socket.authorized || socket.getProtocol() !== VERSION) {
      const fault = faultOf(socket.authorizationError);
      return { objection: `its certificate ${fault}`, told: `your certificate ${fault}` };
    }
    const trust = this.#verifiedBy.get(socket);
    if (trust !== this.#trust)
      return { objection: 'it was verified by what has changed meanwhile', told: undefined };
    const currentTrust = () => this.#trust;
    const endsAtMs = Date.parse(certificate.validTo);
    const names = certificate.subjectAltName;
    return {
      description: `certificate of ${clip(names ?? certificate.subject)}`,
      get isCurrent() {
        return currentTrust() === trust && !(Date.now() >= endsAtMs);
      },
      objectionTo: (name) =>
        this.#stands(certificate, name)
          ? undefined
          : `the certificate is not for "${clip(name)}" but for ${clip(names ?? 'no name at all')}`,
    };
  }

  explain(error: Error, side: 'dialled' | 'accepted'): string | undefined {
    const code = codeOf(error);
    if (side === 'dialled' && code in FAULTS) return `its certificate ${FAULTS[code]}`;
    if (side === 'dialled' && isWrongAuthority(code)) return `its certificate ${WRONG_CA}`;
    // Words of the other side, where it is not of this library.
    if (/ALERT_UNKNOWN_CA/.test(code)) return `it says that this node's certificate ${WRONG_CA}`;
    if (/ALERT_CERTIFICATE_EXPIRED/.test(code)) return "it says that this node's certificate has expired";
    if (/ALERT_(BAD_CERTIFICATE|CERTIFICATE_REVOKED|CERTIFICATE_UNKNOWN)/.test(code))
      return "it does not accept this node's certificate";
    if (side === 'accepted' && /NO_SHARED_CIPHER|UNSUPPORTED_PROTOCOL|NO_SUITABLE/.test(code))
      return 'it does not use certificates: give both the same "security" option';
    return undefined;
  }

  #context(): SecureContextOptions {
    const { ca, cert, key } = this.#certificates;
    return {
      ca: [...ca],
      cert,
      key,
      passphrase: this.#options.passphrase,
      ...crlOf(this.#certificates),
      minVersion: VERSION,
      maxVersion: VERSION,
      secureOptions: constants.SSL_OP_NO_TICKET,
      ciphers: STRENGTH,
    };
  }

  #stands(certificate: X509Certificate, name: string): boolean {
    return stands(this.#options, certificate, name);
  }
}

/** Whether a certificate may speak for a name. A check of the user's that throws says no. */
export function stands(options: TlsOptions, certificate: X509Certificate, name: string): boolean {
  if (options.checkName === undefined) {
    // Node puts every entry in quotes in which anything else stands, so none can look like another.
    if (!/^[\w.-]+$/.test(name)) return false;
    return certificate.subjectAltName?.split(', ').includes(`DNS:${name}`) === true;
  }
  try {
    // Anything else, a promise say, is no yes.
    const answer: unknown = options.checkName(name, certificate);
    return answer === true;
  } catch {
    return false;
  }
}

function faultOf(error: Error | string | null | undefined): string {
  const code = typeof error === 'string' ? error : error instanceof Error ? codeOf(error) : '';
  return FAULTS[code] ?? (isWrongAuthority(code) ? WRONG_CA : `is not accepted (${clip(code)})`);
}

function isWrongAuthority(code: string): boolean {
  return /SELF_SIGNED|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED/.test(code);
}
