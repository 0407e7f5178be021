import { CertificateSecurity } from './certificate-security.js';
import {
  noCertificatesHere,
  noSecretsHere,
  type NodeSecurity,
  type SecurityContext,
} from './node-security.js';
import { SecretSecurity } from './secret-security.js';
import type { SecurityOptions } from './security-options.js';

/** What secures a node, as its options ask. */
export function securityOf(options: SecurityOptions | undefined, context: SecurityContext): NodeSecurity {
  if (options === undefined || options === 'none') return noSecurity;
  return options.tls === undefined
    ? new SecretSecurity(options, context)
    : new CertificateSecurity(options, context);
}

const noSecurity: NodeSecurity = {
  sockets: undefined,
  prepare: () => Promise.resolve(),
  rotateSecrets: () => Promise.reject(noSecretsHere()),
  reloadTls: () => Promise.reject(noCertificatesHere()),
  close: () => undefined,
};
