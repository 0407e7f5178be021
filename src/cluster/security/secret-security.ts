import type { SocketSecurity } from '../../transport/tcp/socket-security.js';
import { Keyring } from '../../transport/tcp/tls/keyring.js';
import { copyOf, type Secret } from '../../transport/tcp/tls/secrets.js';
import { SharedSecret } from '../../transport/tcp/tls/shared-secret.js';
import { TlsSecurity } from '../../transport/tcp/tls/tls-security.js';
import { noCertificatesHere, type NodeSecurity, type SecurityContext } from './node-security.js';
import { checkSecrets, type SecretSecurityOptions } from './security-options.js';

/** Shared secrets, changed while the node runs. */
export class SecretSecurity implements NodeSecurity {
  readonly sockets: SocketSecurity;
  readonly #keys: Keyring;
  readonly #context: SecurityContext;
  #secrets: readonly Secret[];
  /** Derivations come one after the other, and count in that order. */
  #latest: Promise<void> | undefined;

  constructor({ secrets, migrate }: SecretSecurityOptions, context: SecurityContext) {
    this.#secrets = secrets;
    this.#context = context;
    this.#keys = new Keyring(context.clusterName);
    this.sockets = new TlsSecurity(new SharedSecret(this.#keys), migrate);
  }

  async prepare(): Promise<void> {
    // Unless they are being changed, or were, before the start.
    await (this.#latest ??= this.#keys.replace(this.#secrets));
    // What the keys were made from is not needed any more.
    this.#secrets = [];
    this.#context.logger.log(`Secured by shared secrets: ${this.#described()}`);
  }

  async rotateSecrets(secrets: readonly Secret[]): Promise<void> {
    checkSecrets(secrets, 'secrets');
    const copies = secrets.map(copyOf);
    const before = this.#latest ?? Promise.resolve();
    // One change after the other; a failure of the former is its own caller's to hear of.
    this.#latest = before.catch(() => undefined).then(() => this.#keys.replace(copies));
    await this.#latest;
    this.#context.logger.log(`The secrets were changed: ${this.#described()}`);
    this.#context.changed();
  }

  reloadTls(): Promise<void> {
    return Promise.reject(noCertificatesHere());
  }

  close(): void {}

  #described(): string {
    const [first, ...others] = this.#keys.names;
    return `key ${first} dials${others.length > 0 ? `, ${others.join(', ')} accepted too` : ''}`;
  }
}
