import type { Clock } from '../../clock.js';
import { InvalidOptionError } from '../../errors.js';
import type { ClusterLogger } from '../../logger.js';
import type { SocketSecurity } from '../../transport/tcp/socket-security.js';
import type { Secret } from '../../transport/tcp/tls/secrets.js';

/** What a node's security is told when it is made. */
export interface SecurityContext {
  readonly clusterName: string;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly logger: ClusterLogger;
  /** What counted until now may not count any more: connections have to be looked at again. */
  readonly changed: () => void;
}

/** What secures a node's connections, from before its first to after its last. */
export interface NodeSecurity {
  /** Undefined: nothing does. */
  readonly sockets: SocketSecurity | undefined;
  /** Derives keys, reads files. To be awaited before `sockets` is used. @throws InvalidOptionError */
  prepare(): Promise<void>;
  rotateSecrets(secrets: readonly Secret[]): Promise<void>;
  reloadTls(): Promise<void>;
  close(): void;
}

/** For a node that has no secrets. */
export function noSecretsHere(): InvalidOptionError {
  return new InvalidOptionError('security.secrets', 'was not given, so there are no secrets to rotate');
}

/** For a node that has no certificates. */
export function noCertificatesHere(): InvalidOptionError {
  return new InvalidOptionError('security.tls', 'was not given, so there are no certificates to reload');
}
