import type { X509Certificate } from 'node:crypto';
import type { Timer } from '../../clock.js';
import { clip, InvalidOptionError } from '../../errors.js';
import type { SocketSecurity } from '../../transport/tcp/socket-security.js';
import {
  hasFiles,
  loadCertificates,
  problemOf,
  sameCertificates,
  type Certificates,
  type TlsOptions,
} from '../../transport/tcp/tls/certificates.js';
import { MutualTls, stands } from '../../transport/tcp/tls/mutual-tls.js';
import type { Secret } from '../../transport/tcp/tls/secrets.js';
import { TlsSecurity } from '../../transport/tcp/tls/tls-security.js';
import { noSecretsHere, type NodeSecurity, type SecurityContext } from './node-security.js';
import type { TlsSecurityOptions } from './security-options.js';

const DEFAULT_RELOAD_MS = 10_000;
/** How long before its end a certificate is warned of. */
const SOON_MS = 7 * 24 * 3_600_000;

/** Certificates, read anew when their files change. Connections whose certificate has ended meanwhile are closed. */
export class CertificateSecurity implements NodeSecurity {
  readonly #options: TlsOptions;
  readonly #migrate: TlsSecurityOptions['migrate'];
  readonly #context: SecurityContext;
  #scheme: MutualTls | undefined;
  #sockets: SocketSecurity | undefined;
  #timer: Timer | undefined;
  #closed = false;
  /** What was wrong at the last look, so that it is told once. */
  #trouble: string | undefined;
  #warnedOf: string | undefined;

  constructor({ tls, migrate }: TlsSecurityOptions, context: SecurityContext) {
    this.#options = tls;
    this.#migrate = migrate;
    this.#context = context;
  }

  get sockets(): SocketSecurity | undefined {
    return this.#sockets;
  }

  async prepare(): Promise<void> {
    const certificates = await loadCertificates(this.#options);
    this.#check(certificates);
    this.#scheme = new MutualTls(this.#options, certificates);
    this.#sockets = new TlsSecurity(this.#scheme, this.#migrate);
    const { own } = certificates;
    this.#context.logger.log(
      `Secured by certificates: this node's is for ${clip(own.subjectAltName ?? own.subject)}, until ${own.validTo}`,
    );
    this.#schedule();
  }

  rotateSecrets(_secrets: readonly Secret[]): Promise<void> {
    return Promise.reject(noSecretsHere());
  }

  async reloadTls(): Promise<void> {
    const certificates = await loadCertificates(this.#options);
    const scheme = this.#scheme;
    if (scheme === undefined || this.#closed || sameCertificates(scheme.certificates, certificates)) return;
    this.#check(certificates);
    scheme.replace(certificates);
    this.#context.logger.log(
      `The certificates were reloaded: this node's is valid until ${certificates.own.validTo}`,
    );
    this.#context.changed();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#closed) return;
    const intervalMs = this.#options.reloadIntervalMs || DEFAULT_RELOAD_MS;
    this.#timer = this.#context.clock.setTimer(intervalMs, () => {
      // A certificate may have ended without any file's changing.
      this.#context.changed();
      void this.#look().finally(() => this.#schedule());
    });
  }

  async #look(): Promise<void> {
    const { logger } = this.#context;
    try {
      // First, since it matters most where the rest has failed for days.
      if (this.#scheme !== undefined) this.#warnOfEnd(this.#scheme.certificates);
      if (this.#options.reloadIntervalMs !== 0 && hasFiles(this.#options)) await this.reloadTls();
      this.#trouble = undefined;
    } catch (error) {
      // Files that are just being written fit each other at the next look.
      const trouble = String(error);
      if (trouble !== this.#trouble)
        logger.error('The certificates cannot be reloaded: the old ones stay', error);
      this.#trouble = trouble;
    }
  }

  /** A certificate that nobody would accept gets this node in nowhere, so the start says so, or the reload. */
  #check(certificates: Certificates): void {
    const { own } = certificates;
    const { nodeName } = this.#context;
    const problem = problemOf(certificates);
    if (problem !== undefined) throw new InvalidOptionError('security.tls.cert', problem);
    this.#checkCheckName(own);
    if (!stands(this.#options, own, nodeName)) {
      throw new InvalidOptionError(
        'nodeName',
        `is "${clip(nodeName)}", but this node's certificate is for ${clip(own.subjectAltName ?? 'no name at all')}: give the node a name of its certificate, or security.tls.checkName`,
      );
    }
    this.#warnOfEnd(certificates);
  }

  /** For peers, one that fails says no; for this node it is a mistake that somebody has to hear of. */
  #checkCheckName(own: X509Certificate): void {
    const option = 'security.tls.checkName';
    let answer: unknown;
    try {
      answer = this.#options.checkName?.(this.#context.nodeName, own) ?? false;
    } catch (cause) {
      const problem = clip(cause instanceof Error ? cause.message : String(cause));
      throw new InvalidOptionError(option, `failed for this node's own name: ${problem}`, { cause });
    }
    if (typeof answer !== 'boolean')
      throw new InvalidOptionError(option, 'must answer true or false, at once');
  }

  #warnOfEnd({ own }: Certificates): void {
    const leftMs = Date.parse(own.validTo) - Date.now();
    const warning =
      Date.parse(own.validFrom) > Date.now()
        ? `This node's certificate is not valid before ${own.validFrom}: nobody will let it in`
        : leftMs <= 0
          ? `This node's certificate has expired (${own.validTo}): nobody will let it in`
          : leftMs < SOON_MS
            ? `This node's certificate expires soon (${own.validTo})`
            : undefined;
    if (warning !== undefined && warning !== this.#warnedOf) this.#context.logger.warn(warning);
    this.#warnedOf = warning;
  }
}
